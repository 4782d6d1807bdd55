"""From which distance on an episode is unlike any known failure mode.

Split conformal prediction (Vovk, Gammerman & Shafer 2005, doi:10.1007/b106715): of n distances of
episodes that the model was not fitted on, the ⌈(n+1)·(1-alpha)⌉-th smallest is exceeded by the
next episode of the same kind with a probability of at most alpha, whatever the distribution.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Modes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ALPHA = 0.01
"""Part of the episodes of known modes that may be called novel."""

OWN = 100
"""Held-out episodes of a mode below which it has no quantile of its own: 1/alpha - 1 are needed."""

FEWEST = 30
"""Held-out episodes in all below which no thresholds are offered: even the largest distance of
fewer is exceeded by more than 3 %."""

FOLDS = 10


@dataclass(frozen=True)
class Novelty:
    """Thresholds, and how they were come by.

    Attributes
    ----------
    alpha
        Part of the episodes of known modes that may be called novel.
    thresholds
        Distance of each mode above which an episode is novel, in the space of the model; None
        where there are too few held-out episodes.
    calibration
        Number of held-out episodes.
    pooled
        Modes whose threshold rests on the episodes of all modes.
    rate
        Realised: the part of the held-out episodes called novel by thresholds from other
        machine-days; None where it cannot be measured.
    """

    alpha: float
    thresholds: tuple[float, ...] | None
    calibration: int
    pooled: tuple[int, ...]
    rate: float | None

    def to_json(self) -> dict[str, Any]:
        """Return what a model carries along: plain numbers."""
        thresholds = None if self.thresholds is None else list(self.thresholds)
        return {
            "alpha": self.alpha,
            "thresholds": thresholds,
            "calibration": self.calibration,
            "pooled": list(self.pooled),
            "rate": self.rate,
        }

    @property
    def message(self) -> str:
        """What people should know of it."""
        if self.thresholds is None:
            return (
                f"Novelty is not offered: {self.calibration} episodes beside the training, "
                f"{FEWEST} needed."
            )
        told = f"Novelty at {self.alpha:.0%} from {self.calibration} episodes"
        if self.pooled:
            modes = ", ".join(str(mode) for mode in self.pooled)
            told += f"; modes {modes} have fewer than {OWN} and share those of all modes"
        rate = "" if self.rate is None else f"; {self.rate:.1%} of them were called novel"
        return f"{told}{rate}."


def spreads(distances: Floats, modes: Modes, clusters: int) -> Floats:
    """Return the typical distance of each mode, shape (clusters,): above zero.

    Parameters
    ----------
    distances, modes : shape (episodes,)
        Of the training episodes. The held-out ones must not be used here: what is measured by
        itself looks typical.

    Returns
    -------
    ndarray
        The median of the mode; of all modes, or 1, where that is zero.
    """
    overall = float(np.median(distances)) or 1.0
    medians = [float(np.median(distances[modes == mode])) for mode in range(clusters)]
    return np.array([median if median > 0 else overall for median in medians])


def calibrate(
    distances: Floats,
    modes: Modes,
    scale: Floats,
    blocks: Sequence[Hashable],
    alpha: float = ALPHA,
) -> Novelty:
    """Find the thresholds.

    Parameters
    ----------
    distances, modes : shape (episodes,)
        Distance to its centre, and mode, of episodes that the model was not fitted on.
    scale : shape (clusters,)
        :func:`spreads` of the training: modes are pooled in units of their spread.
    blocks : length (episodes)
        Machine and day of each: the realised rate is measured across them.
    alpha
        Part of the episodes of known modes that may be called novel.
    """
    number = len(distances)
    pooled = np.bincount(modes, minlength=len(scale)) < OWN
    if number < FEWEST:
        return Novelty(alpha, None, number, (), None)
    return Novelty(
        alpha,
        tuple(_thresholds(distances, modes, scale, pooled, alpha).tolist()),
        number,
        tuple(np.flatnonzero(pooled).tolist()),
        _rate(distances, modes, scale, pooled, blocks, alpha),
    )


def is_novel(distances: Floats, modes: Modes, thresholds: Sequence[float]) -> npt.NDArray[np.bool_]:
    """Say which episodes are unlike any known mode, shape (episodes,)."""
    return np.asarray(distances > np.asarray(thresholds)[modes])


def _thresholds(
    distances: Floats, modes: Modes, scale: Floats, pooled: npt.NDArray[np.bool_], alpha: float
) -> Floats:
    """Return the quantile of each mode, or that of all in units of the mode's spread."""
    result = scale * _quantile(distances / scale[modes], alpha)
    for mode in np.flatnonzero(~pooled):
        result[mode] = _quantile(distances[modes == mode], alpha)
    # A threshold of zero would call everything novel that differs in its last digit.
    return np.maximum(result, 1e-9 * scale)


def _quantile(values: Floats, alpha: float) -> float:
    """Return the conformal quantile; the largest value where they are too few for `alpha`."""
    rank = math.ceil(round((len(values) + 1) * (1 - alpha), 9))
    return float(np.sort(values)[min(rank, len(values)) - 1])


def _rate(
    distances: Floats,
    modes: Modes,
    scale: Floats,
    pooled: npt.NDArray[np.bool_],
    blocks: Sequence[Hashable],
    alpha: float,
) -> float | None:
    """Return the part that thresholds from the other folds of machine-days call novel.

    Without folds it were alpha by construction; days and machines that differ show only here.
    """
    places: Mapping[Hashable, int] = {each: n for n, each in enumerate(dict.fromkeys(blocks))}
    if len(places) < 2:
        return None
    folds = np.array([places[each] % FOLDS for each in blocks])
    novel = 0
    for fold in np.unique(folds):
        rest, here = folds != fold, folds == fold
        # A mode with too few left is pooled here, too.
        few = pooled | (np.bincount(modes[rest], minlength=len(scale)) < 1)
        found = _thresholds(distances[rest], modes[rest], scale, few, alpha)
        novel += int(is_novel(distances[here], modes[here], found.tolist()).sum())
    return novel / len(distances)
