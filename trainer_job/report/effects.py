"""How modes differ: sizes of effects, free of units."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

LIMIT = 20.0
"""Effects beyond this are given as this: they say no more, and a spread of zero says infinity."""

TOGETHER = 16
"""Features that are standardised at a time."""


@dataclass(frozen=True)
class Effects:
    """Differences between modes, feature by feature.

    Attributes
    ----------
    cohen : index features, columns modes
        Cohen's d of a mode against all other episodes: the difference of the means over the
        pooled standard deviation (Cohen 1988, Statistical Power Analysis, 2.2).
    level : index features, columns modes
        Mean of a mode, as standard deviations of all episodes from their mean.
    separation : index features
        Share of a feature's variance that lies between the modes (eta squared), from 0 to 1.
    """

    cohen: pd.DataFrame
    level: pd.DataFrame
    separation: pd.Series

    def distinctive(self, mode: int, count: int) -> pd.Series:
        """Return the features with the largest effects of a mode, the largest first."""
        values = self.cohen[mode]
        order = values.abs().sort_values(ascending=False, kind="stable").index
        return values[order[:count]]


def effects(features: pd.DataFrame, modes: npt.NDArray[np.int64]) -> Effects:
    """Compare each mode with the rest.

    Parameters
    ----------
    features : shape (episodes, features)
        Without gaps.
    modes : shape (episodes,)
        Mode of each episode. With one mode there is no rest, and all effects are zero.
    """
    numbers, codes = np.unique(modes, return_inverse=True)
    member = np.eye(len(numbers))[codes].T
    sizes = member.sum(axis=1, keepdims=True)
    sums, squares = np.empty((2, len(numbers), features.shape[1]))
    # A few features at a time: it takes several copies of them.
    for start in range(0, features.shape[1], TOGETHER):
        some = slice(start, start + TOGETHER)
        values = standardised(features.iloc[:, some])
        sums[:, some], squares[:, some] = member @ values, member @ values**2
    rest = len(features) - sizes
    with np.errstate(divide="ignore", invalid="ignore"):
        level = sums / sizes
        # The mean of all is zero, so the sums of the rest are those of the mode, negative.
        other = np.where(rest > 0, -sums / rest, 0.0)
        within = squares - sizes * level**2
        without = (squares.sum(axis=0) - squares) - rest * other**2
        pooled = np.sqrt(np.clip(within + without, 0, None) / np.maximum(len(features) - 2, 1))
        cohen = np.where(rest > 0, (level - other) / pooled, 0.0)
    cohen = np.clip(np.nan_to_num(cohen, nan=0.0, posinf=LIMIT, neginf=-LIMIT), -LIMIT, LIMIT)
    columns = numbers.tolist()
    return Effects(
        cohen=pd.DataFrame(cohen.T, index=features.columns, columns=columns),
        level=pd.DataFrame(level.T, index=features.columns, columns=columns),
        separation=pd.Series(
            (sizes * level**2).sum(axis=0) / len(features), index=features.columns
        ),
    )


def standardised(features: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return the features with mean 0 and standard deviation 1; constant ones are 0."""
    values = features.to_numpy("float64")
    spread = np.ptp(values, axis=0)
    # By the range first: a square of the largest readings would not fit a double.
    unit = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    deviation = unit.std(axis=0)
    usable = (spread > 0) & (deviation > 0)
    return np.where(usable, unit / np.where(usable, deviation, 1.0), 0.0)


def strongest(effects: Effects, origins: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each sensor with that feature of it which tells the modes apart best.

    Parameters
    ----------
    effects
        Of the features.
    origins
        Feature → sensor and statistic, where it has them.

    Returns
    -------
    list of (sensor, feature)
        The best first. A feature of no single sensor stands for itself.
    """
    best: dict[str, str] = {}
    for feature in effects.separation.sort_values(ascending=False, kind="stable").index:
        name = str(feature)
        sensor, _ = origins.get(name, (name, ""))
        best.setdefault(sensor, name)
    return list(best.items())
