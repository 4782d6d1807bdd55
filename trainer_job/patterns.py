"""Known failure modes of a reference file (``SENSOR_DATA_FILE`` of the replaced service).

Its rows are single readings and no episodes: they say at which level a sensor lies, and nothing
of how it moves. So only levels are compared, and a cluster gets the name of a pattern where the
file's own labels can tell that pattern from the next one. What is called so is a resemblance, no
label given by a person to an episode, and no model is judged by it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainer_job.formats import read_bytes, read_recording
from trainer_job.moments import Moments

Floats = npt.NDArray[np.float64]

DRAWS = 1_999
"""Permutations of the rows' labels: enough for the level of one of a hundred clusters."""

CHANCE = 0.05
"""Probability that any cluster gets a name where the labels say nothing of the sensors."""


@dataclass(frozen=True)
class Resemblance:
    """What a cluster resembles.

    Attributes
    ----------
    mode
        The cluster.
    best, second
        Labels of the nearest patterns.
    margin
        By how much the best is nearer: difference of the squared distances to the two, as a part
        of their sum; 1 where the cluster lies on the best, 0 halfway between them.
    p_value
        Part of the permutations of the rows' labels with such a margin.
    named
        Whether the cluster is called `best`.
    """

    mode: int
    best: str
    second: str
    margin: float
    p_value: float
    named: bool


@dataclass(frozen=True)
class Patterns:
    """Labelled rows of a reference file.

    Attributes
    ----------
    rows
        Column ``label``, and one a sensor, in the sensor's unit.
    digest
        Changes with the file.
    """

    rows: pd.DataFrame
    digest: str

    @property
    def summary(self) -> pd.DataFrame:
        """Mean, spread (ddof 0) and number of the rows: indexed by label and sensor."""
        long = self.rows.melt("label", var_name="sensor").dropna()
        grouped = long.groupby(["label", "sensor"], sort=False)["value"]
        return pd.DataFrame(
            {"mean": grouped.mean(), "spread": grouped.std(ddof=0), "n": grouped.size()}
        )

    def resemblances(
        self, moments: Moments, modes: npt.NDArray[np.int64], seed: int
    ) -> tuple[Resemblance, ...]:
        """Compare every cluster with the patterns, on the sensors that both have.

        A cluster gets a name where (1) the nearest pattern is nearer than the second by more
        than the same file with permuted labels would have it, at the level `CHANCE` for all
        clusters together, and (2) the cluster is nearer to it than the two patterns are to each
        other: what is unlike all patterns is nearer to one of them, too. The permutations take
        the rows to be independent of each other; rows that follow each other closely are less.

        Parameters
        ----------
        moments
            Of the episodes: `mean` and `n`. Each episode counts once, however long.
        modes : shape (episodes,)
            The cluster of each.
        seed
            Of the permutations.

        Returns
        -------
        tuple of Resemblance
            One a cluster; none where there are fewer than two labels, or no sensor in common that
            all labels have and that varies.
        """
        table = _Table.of(self.rows, moments.sensors)
        if table is None:
            return ()
        levels = table.standardised(_levels(moments, modes, table.sensors))
        numbers = np.unique(modes)
        rng = np.random.default_rng(seed)
        centres = table.centres(table.codes)
        distances = _distances(levels, centres)
        margins = _margins(distances)
        reached = np.ones(len(levels))
        for _ in range(DRAWS):
            drawn = _distances(levels, table.centres(rng.permutation(table.codes)))
            reached += _margins(drawn) >= margins * (1 - 1e-12)
        found = []
        for row, mode in enumerate(numbers.tolist()):
            best, second = np.argsort(distances[row], kind="stable")[:2]
            p_value = float(reached[row] / (DRAWS + 1))
            apart = float(_distances(centres[[best]], centres[[second]])[0, 0])
            named = p_value <= CHANCE / len(numbers) and distances[row, best] < apart
            pair = (table.labels[best], table.labels[second])
            found.append(Resemblance(mode, *pair, float(margins[row]), p_value, bool(named)))
        return tuple(found)


def read_patterns(file: Path) -> Patterns | None:
    """Return the patterns of a reference file, None where there is no file or no label in it.

    Raises
    ------
    UnusableData
        If a line is not of its format.
    """
    if not file.is_file():
        return None
    content = read_bytes(file)
    rows = [
        {"label": span.label, **reading}
        for span in read_recording(file, content).spans
        if span.label is not None
        for reading in span.readings
    ]
    if not rows:
        return None
    return Patterns(pd.DataFrame(rows), hashlib.sha256(content).hexdigest())


def names(found: Sequence[Resemblance]) -> dict[int, str]:
    """Return cluster → name; the others are unnamed."""
    return {each.mode: each.best for each in found if each.named}


@dataclass(frozen=True)
class _Table:
    """Labelled rows of some sensors, in units of the spread of all rows.

    Attributes
    ----------
    sensors
        Those that are compared.
    labels
        Distinct labels.
    codes : shape (rows,)
        Place of each row's label.
    values : shape (rows, sensors)
        Standardised, 0 where there is none.
    given : shape (rows, sensors)
        1 where there is a value, else 0.
    mean, spread : shape (sensors,)
        Of all labelled rows.
    """

    sensors: list[str]
    labels: list[str]
    codes: npt.NDArray[np.int64]
    values: Floats
    given: Floats
    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, rows: pd.DataFrame, sensors: Sequence[str]) -> "_Table | None":
        """Return the table of what can be compared, None where that is nothing."""
        common = [sensor for sensor in sensors if sensor in rows.columns]
        fewest = rows.groupby("label").count().min()
        usable = [s for s in common if fewest[s] > 0 and rows[s].std(ddof=0) > 0]
        labels, codes = np.unique(rows["label"].to_numpy().astype(str), return_inverse=True)
        if not usable or len(labels) < 2:
            return None
        values = rows[usable].to_numpy("float64")
        mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
        given = (~np.isnan(values)).astype("float64")
        standard = np.nan_to_num((values - mean) / spread)
        return cls(usable, labels.tolist(), codes, standard, given, mean, spread)

    def standardised(self, values: Floats) -> Floats:
        """Return values of the sensors in these units."""
        return (values - self.mean) / self.spread

    def centres(self, codes: npt.NDArray[np.int64]) -> Floats:
        """Return the mean of the rows of each label, shape (labels, sensors)."""
        belongs = (codes == np.arange(len(self.labels))[:, None]).astype("float64")
        # A permuted label may have no value of a sensor: the mean of all rows is 0 here.
        return np.asarray((belongs @ self.values) / np.maximum(belongs @ self.given, 1))


def _levels(moments: Moments, modes: npt.NDArray[np.int64], sensors: Sequence[str]) -> Floats:
    """Return the mean over the episodes of each cluster, shape (clusters, sensors)."""
    columns = [moments.sensors.index(sensor) for sensor in sensors]
    given = moments["n"][:, columns] > 0
    means = np.where(given, moments["mean"][:, columns], 0.0)
    belongs = (modes == np.unique(modes)[:, None]).astype("float64")
    with np.errstate(invalid="ignore"):
        return np.asarray((belongs @ means) / (belongs @ given.astype("float64")))


def _distances(some: Floats, others: Floats) -> Floats:
    """Return the mean squared differences over the sensors, shape (some, others)."""
    return np.asarray(np.mean((some[:, None] - others) ** 2, axis=2))


def _margins(distances: Floats) -> Floats:
    """Return by which part of their sum the two smallest of each row differ.

    Not the difference itself: it grows with the distance from all patterns, so that of a cluster
    at the edge chance alone would make a large one.
    """
    small, large = np.moveaxis(np.partition(distances, 1, axis=1)[:, :2], 1, 0)
    gaps = np.divide(large - small, large + small, out=np.zeros(len(small)), where=large > 0)
    return np.asarray(gaps)
