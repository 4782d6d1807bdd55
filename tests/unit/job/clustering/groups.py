"""Tables with and without groups, as the feature sets name their columns."""

import numpy as np
import pandas as pd


def columns(sensors: int) -> list[str]:
    return [f"s{n}_{name}" for n in range(sensors) for name in ("mean", "std", "min", "max")]


def grouped(
    groups: int = 3, size: int = 20, sensors: int = 4, apart: float = 6.0, seed: int = 0
) -> pd.DataFrame:
    """Return groups of equal size, whose centres lie about `apart` deviations from each other."""
    rng = np.random.default_rng(seed)
    middle = np.repeat(rng.normal(0, apart, (groups, 4 * sensors)), size, axis=0)
    return pd.DataFrame(middle + rng.normal(size=middle.shape), columns=columns(sensors))


def one_cloud(size: int = 60, sensors: int = 4, seed: int = 0) -> pd.DataFrame:
    """Return episodes whose sensors all follow one load, and no groups."""
    rng = np.random.default_rng(seed)
    values = 3 * rng.normal(size=(size, 1)) + rng.normal(size=(size, 4 * sensors))
    return pd.DataFrame(values, columns=columns(sensors))
