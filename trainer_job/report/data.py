"""All that a report tells, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainer_job.clustering.selection import Selection
from trainer_job.clustering.structure import NullBand
from trainer_job.contract import Comparison, Decision
from trainer_job.evaluation.verdict import Verdict
from trainer_job.features import FEATURE_SETS
from trainer_job.report.effects import Effects, effects, strongest
from trainer_job.report.names import plain, shorthand

DRAWN = 2_000
"""Episodes beyond this are sampled: more dots than this hide each other."""

DRAWN_A_MODE = 20
"""Episodes of each mode that a sample holds at least, where there are as many."""

MODES_SHOWN = 12
"""Modes beyond this, the smallest, are left out of the pictures that have a part for each."""


@dataclass(frozen=True)
class ReportData:
    """A fitted model with the verdict on it.

    Attributes
    ----------
    title
        Registered name of the model.
    features : shape (episodes, features)
        Indexed by episode id.
    scaled : shape (episodes, dimensions)
        The space in which the clusters were made.
    modes, distances : shape (episodes,)
        Mode of each episode, and its distance to the mode's centre in that space.
    sensors, feature_set, algorithm
        How the model was made.
    readings
        Readings of a few episodes of each mode: columns ``episode`` (string), optionally
        ``timestamp`` (ISO 8601) and one a sensor, in the sensor's unit.
    decision
        What became of the model.
    silhouette
        Mean over all episodes; None where it is undefined.
    labels
        What people say each episode is, in the order of `features`; empty where nobody does.
    names
        Mode → name, where one is known.
    units
        Sensor → unit, where it is known.
    verdicts
        What the gates said.
    selection
        How the number of clusters was chosen; None where it was given.
    null
        Silhouettes of data without structure.
    comparison, margin
        How the model did against the champion, and by how much it may be worse.
    quality
        What was read, what of it was left out and why; shown as it is.
    facts
        Further lines of the report's head.
    seed
        Of the sample that is drawn.
    """

    title: str
    features: pd.DataFrame
    scaled: npt.NDArray[np.float64]
    modes: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]
    sensors: tuple[str, ...]
    feature_set: str
    algorithm: str
    readings: pd.DataFrame
    decision: Decision
    silhouette: float | None = None
    labels: Sequence[str | None] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    verdicts: Sequence[Verdict] = ()
    selection: Selection | None = None
    null: NullBand | None = None
    comparison: Comparison | None = None
    margin: float | None = None
    quality: pd.DataFrame | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    seed: int = 42

    @cached_property
    def sizes(self) -> dict[int, int]:
        """Mode → number of its episodes, in the order of the modes."""
        numbers, counts = np.unique(self.modes, return_counts=True)
        return dict(zip(numbers.tolist(), counts.tolist(), strict=True))

    @cached_property
    def shown(self) -> tuple[int, ...]:
        """The largest modes, in their order."""
        largest = sorted(self.sizes, key=lambda mode: (-self.sizes[mode], mode))
        return tuple(sorted(largest[:MODES_SHOWN]))

    @cached_property
    def drawn(self) -> npt.NDArray[np.int64]:
        """Places of the episodes that are drawn: all, or a sample with some of each mode."""
        if len(self.modes) <= DRAWN:
            return np.arange(len(self.modes))
        random = np.random.default_rng(self.seed)
        parts = []
        for mode, size in self.sizes.items():
            share = max(DRAWN * size // len(self.modes), min(size, DRAWN_A_MODE))
            parts.append(random.choice(np.flatnonzero(self.modes == mode), share, replace=False))
        return np.sort(np.concatenate(parts))

    @cached_property
    def effects(self) -> Effects:
        """How the modes differ in each feature."""
        return effects(self.features, self.modes)

    @cached_property
    def origins(self) -> dict[str, tuple[str, str]]:
        """Feature → its sensor and statistic; those of no single sensor are missing."""
        return FEATURE_SETS[self.feature_set].origins(self.sensors)

    @cached_property
    def strongest(self) -> list[tuple[str, str]]:
        """Each sensor with that feature of it which tells the modes apart best, best first."""
        return strongest(self.effects, self.origins)

    @cached_property
    def shorthand(self) -> dict[str, str]:
        """Sensor → what it is called in pictures."""
        return shorthand(self.sensors)

    def shorten(self, feature: str) -> str:
        """Return what a feature is called in pictures."""
        sensor, statistic = self.origins.get(feature, (feature, ""))
        name = self.shorthand.get(sensor, plain(sensor))
        words = statistic.removeprefix("catch22_").replace("_", " ")
        return f"{name} {words}".rstrip()

    def call(self, mode: int) -> str:
        """Return what a mode is called."""
        name = self.names.get(mode)
        return f"mode {mode}" if name is None else f"mode {mode}: {name}"
