"""Per-sensor statistics of an episode: what the model sees.

The file is shipped inside each model, so that predictors compute the very features of the
training: it imports numpy and pandas only, and nothing of the project.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

STATISTICS = ("mean", "std", "min", "max")
"""Statistics a sensor, in the order of the columns; std is the population's (ddof 0)."""

FEATURE_SETS = {"basic": "", "robust": "log_"}
"""Feature sets, and what stands in their column names before the statistic.

The names differ, so that a predictor that knows only plain statistics fails on a robust model
and does not feed it the wrong numbers.
"""

LARGEST = 1e100
"""Readings beyond this are no measurements, and their squares would not fit a double."""


class MissingSensor(ValueError):
    """An episode has no usable reading of a sensor that the model needs."""


def signed_log(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return sign(x)·log(1+|x|): nearly x around zero, logarithmic in the tails.

    It keeps the order and the sign of statistics, and lets no single spike of a force sensor
    outweigh all other episodes (bi-symmetric log transform, Webber 2013,
    doi:10.1088/0957-0233/24/2/027001, with C = 1).
    """
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def feature_names(sensors: Sequence[str], feature_set: str) -> list[str]:
    """Return the columns of the feature table: sensor by sensor, four statistics each."""
    infix = FEATURE_SETS[feature_set]
    return [f"{sensor}_{infix}{statistic}" for sensor in sensors for statistic in STATISTICS]


def usable(readings: pd.DataFrame, sensors: Sequence[str]) -> pd.DataFrame:
    """Return the sensors' columns as doubles, NaN where a reading cannot be used.

    Not usable are what is no number, NaN, infinite, or larger than `LARGEST`.
    """
    columns = {sensor: pd.to_numeric(readings[sensor], errors="coerce") for sensor in sensors}
    numbers = pd.DataFrame(columns, index=readings.index, dtype="float64")
    return numbers.where(numbers.abs() <= LARGEST)


def episode_features(
    readings: pd.DataFrame, sensors: Sequence[str], feature_set: str
) -> pd.DataFrame:
    """Compute the feature table from readings.

    Parameters
    ----------
    readings
        One row a reading: the column ``episode`` and one a sensor, in the sensor's unit.
    sensors
        The model's sensors, in its order.
    feature_set
        ``basic``, or ``robust`` for the statistics of :func:`signed_log`.

    Returns
    -------
    DataFrame, shape (episodes, 4 * sensors)
        Indexed by episode in order of first appearance.

    Raises
    ------
    MissingSensor
        If a column is missing, or an episode has no usable reading of a sensor.
    """
    absent = [sensor for sensor in sensors if sensor not in readings.columns]
    if absent:
        raise MissingSensor(f"no column for sensor {', '.join(absent)}; the model needs it")
    numbers = usable(readings, sensors)
    groups = numbers.groupby(readings["episode"].to_numpy(), sort=False)
    parts = {"mean": groups.mean(), "std": groups.std(ddof=0)}
    parts |= {"min": groups.min(), "max": groups.max()}
    _refuse_gaps(parts["mean"])
    return _assemble(parts, sensors, feature_set)


def features_from_moments(
    moments: pd.DataFrame, episodes: Sequence[Any], sensors: Sequence[str], feature_set: str
) -> pd.DataFrame:
    """Arrange statistics that a database computed into the feature table.

    Parameters
    ----------
    moments
        One row an episode and sensor: ``episode``, ``sensor`` and the four statistics of the
        readings.
    episodes, sensors
        Rows and sensors of the table, each pair with a row in `moments`.
    feature_set
        As for :func:`episode_features`.

    Raises
    ------
    MissingSensor
        If a pair of episode and sensor has no row.
    """
    parts = {
        statistic: moments.pivot(index="episode", columns="sensor", values=statistic).reindex(
            index=list(episodes), columns=list(sensors)
        )
        for statistic in STATISTICS
    }
    _refuse_gaps(parts["mean"])
    return _assemble(parts, sensors, feature_set)


def _refuse_gaps(means: pd.DataFrame) -> None:
    gaps = means.isna()
    if gaps.to_numpy().any():
        episode = gaps.index[gaps.any(axis=1)][0]
        sensors = ", ".join(gaps.columns[gaps.loc[episode]])
        raise MissingSensor(f"episode {episode} has no usable reading of sensor {sensors}")


def _assemble(
    parts: dict[str, pd.DataFrame], sensors: Sequence[str], feature_set: str
) -> pd.DataFrame:
    stacked = np.stack([parts[statistic].to_numpy("float64") for statistic in STATISTICS], axis=2)
    if feature_set == "robust":
        stacked = signed_log(stacked)
    return pd.DataFrame(
        stacked.reshape(len(stacked), -1),
        index=pd.Index(parts["mean"].index, name="episode"),
        columns=feature_names(sensors, feature_set),
    )
