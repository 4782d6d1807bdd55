"""Moments of each episode and sensor: all that the feature sets need of the readings.

The file is shipped inside each model, so that predictors compute the very features of the
training: it imports numpy and pandas only, and nothing of the project.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

LEVEL = ("n", "mean", "m2", "min", "max")
"""Number, mean, sum of squares about the mean, smallest and largest of the usable values."""
LOG = ("log_mean", "log_m2")
"""Mean and sum of squares about it of :func:`signed_log` of the values."""
ORDER = ("first", "last", "d2", "st")
"""First and last value in order of time, sum of squared successive differences, and sum of the
products of the deviations of a value and of its place among the usable ones, 0, 1, 2, ..."""

LARGEST = 1e100
"""Readings beyond this are no measurements, and their squares would not fit a double."""
_SPACE, _DIGITS = r"[ \t\n\r\f\v]*", r"([0-9]{1,200}\.?[0-9]{0,200}|\.[0-9]{1,200})"
NUMBER = rf"{_SPACE}[+-]?{_DIGITS}([eE][+-]?[0-9]{{1,3}})?{_SPACE}"
"""A text that counts as a number; a regular expression that Python and PostgreSQL read alike."""

VERSION = 1
"""Changes when the moments of the same readings do: what is kept of another one is not used."""

_TEXT = re.compile(NUMBER)


class BadTimestamp(ValueError):
    """A reading's time cannot be read."""


def signed_log(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return sign(x)·log(1+|x|): nearly x around zero, logarithmic in the tails.

    It keeps the order and the sign of what it is given, and lets no single spike of a force
    sensor outweigh all other episodes (bi-symmetric log transform, Webber 2013,
    doi:10.1088/0957-0233/24/2/027001, with C = 1).
    """
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


@dataclass(frozen=True)
class Moments:
    """What the readings of episodes come to, sensor by sensor.

    Attributes
    ----------
    episodes : shape (episodes,)
        Ids, as given.
    sensors
        Columns of the tables.
    readings : shape (episodes,)
        Number of readings, usable or not: the `duration` of the replaced service.
    tables : name of a moment → shape (episodes, sensors)
        `n` is 0 and the others NaN where an episode has no usable value of a sensor.
    """

    episodes: npt.NDArray[np.generic]
    sensors: tuple[str, ...]
    readings: npt.NDArray[np.int64]
    tables: Mapping[str, Floats]

    def __getitem__(self, name: str) -> Floats:
        return self.tables[name]

    @property
    def std(self) -> Floats:
        """Standard deviations of the population (ddof 0)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.sqrt(self["m2"] / self["n"]))

    def take(self, rows: Sequence[int], sensors: Sequence[str]) -> "Moments":
        """Return the rows at these places, and these sensors."""
        columns = [self.sensors.index(sensor) for sensor in sensors]
        where = np.ix_(np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64))
        return Moments(
            self.episodes[list(rows)],
            tuple(sensors),
            self.readings[list(rows)],
            {name: table[where] for name, table in self.tables.items()},
        )


def usable(readings: pd.DataFrame, sensors: Sequence[str]) -> pd.DataFrame:
    """Return the sensors' columns as doubles, NaN where a reading cannot be used.

    Usable are finite numbers up to `LARGEST`, and texts of such a number (:data:`NUMBER`). Truth
    values are none.
    """
    columns = {sensor: _numbers(readings[sensor]) for sensor in sensors}
    numbers = pd.DataFrame(columns, index=readings.index, dtype="float64")
    return numbers.where(numbers.abs() <= LARGEST)


def _numbers(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if pd.api.types.is_bool_dtype(column):
        return pd.Series(np.nan, index=column.index)
    if pd.api.types.is_numeric_dtype(column):
        return column
    return column.map(_number)


def _number(value: object) -> float:
    if isinstance(value, str):
        return float(value) if _TEXT.fullmatch(value) else np.nan
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.nan


def from_readings(readings: pd.DataFrame, sensors: Sequence[str]) -> Moments:
    """Compute all moments from readings.

    Parameters
    ----------
    readings
        One row a reading, of one episode after the other or mixed: the column ``episode``,
        optionally ``timestamp`` (ISO 8601, or times), which orders the readings of an episode,
        and one a sensor, in the sensor's unit. Without timestamps the order of the rows counts.
    sensors
        Columns to use, all present.

    Returns
    -------
    Moments
        Episodes in order of first appearance.
    """
    codes, episodes = pd.factorize(readings["episode"].to_numpy())
    order = by_time(readings, codes)
    values = usable(readings, sensors).to_numpy("float64")[order]
    starts = np.searchsorted(codes[order], np.arange(len(episodes) + 1))
    tables = {
        name: np.full((len(episodes), len(sensors)), np.nan) for name in (*LEVEL, *LOG, *ORDER)
    }
    tables["n"][:] = 0
    for row in range(len(episodes)):
        part = values[starts[row] : starts[row + 1]]
        gaps = np.isnan(part)
        whole = ~gaps.any(axis=0)
        if whole.all():
            _fill(tables, row, slice(None), part)
            continue
        if whole.any():
            _fill(tables, row, np.flatnonzero(whole), part[:, whole])
        for column in np.flatnonzero(~whole & ~gaps.all(axis=0)):
            _fill(tables, row, np.array([column]), part[~gaps[:, column]][:, [column]])
    return Moments(np.asarray(episodes), tuple(sensors), np.diff(starts).astype(np.int64), tables)


def merge(one: Moments, other: Moments) -> Moments:
    """Return the moments of the readings of both together (Chan, Golub & LeVeque 1983).

    The readings of `other` come after those of `one`; both have the same episodes and sensors.
    """
    a, b = one.tables, other.tables
    n = a["n"] + b["n"]
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = b["mean"] - a["mean"]
        both = a["n"] * b["n"] / n
        log_shift = b["log_mean"] - a["log_mean"]
        merged = {
            "n": n,
            "mean": a["mean"] + shift * b["n"] / n,
            "m2": a["m2"] + b["m2"] + shift**2 * both,
            "min": np.fmin(a["min"], b["min"]),
            "max": np.fmax(a["max"], b["max"]),
            "log_mean": a["log_mean"] + log_shift * b["n"] / n,
            "log_m2": a["log_m2"] + b["log_m2"] + log_shift**2 * both,
            "first": a["first"],
            "last": b["last"],
            "d2": a["d2"] + b["d2"] + (b["first"] - a["last"]) ** 2,
            # The mean places of the two parts are n / 2 apart.
            "st": a["st"] + b["st"] + shift * both * n / 2,
        }
    tables = {
        name: np.where(a["n"] == 0, b[name], np.where(b["n"] == 0, a[name], table))
        for name, table in merged.items()
    }
    tables["n"] = n
    return Moments(one.episodes, one.sensors, one.readings + other.readings, tables)


def by_time(readings: pd.DataFrame, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the order of the rows: by episode, then by time, then as they stand.

    Raises
    ------
    BadTimestamp
        If a time cannot be read.
    """
    keys = [codes]
    if "timestamp" in readings and readings["timestamp"].notna().all():
        times = _times(readings["timestamp"])
        # In nanoseconds, years beyond 2262 would come first.
        keys.insert(0, times.dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64))
    return np.asarray(np.lexsort(keys))


def _times(column: "pd.Series[Any]") -> "pd.Series[Any]":
    times = pd.to_datetime(column, utc=True, format="ISO8601", errors="coerce")
    wrong = times.isna().to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise BadTimestamp(
            f"row {row + 1} has the timestamp {column.iloc[row]!r}, which is no time; write it as "
            "in 2026-01-31T12:00:00Z, or leave the column out where the rows are in their order"
        )
    return times


def _fill(
    tables: Mapping[str, Floats],
    row: int,
    columns: slice | npt.NDArray[np.intp],
    series: Floats,
) -> None:
    """Put in the moments of some sensors' usable values, shape (values, sensors), at least one.

    Where all values are equal, rounding must not make up a spread: it would be standardised.
    """
    logs = signed_log(series)
    low, high = series.min(axis=0), series.max(axis=0)
    varied = low != high
    mean = np.where(varied, series.mean(axis=0), low)
    log_mean = np.where(varied, logs.mean(axis=0), logs[0])
    deviations = series - mean
    places = np.arange(len(series)) - (len(series) - 1) / 2
    moments = {
        "n": np.full(series.shape[1], float(len(series))),
        "mean": mean,
        "m2": np.where(varied, (deviations**2).sum(axis=0), 0.0),
        "min": low,
        "max": high,
        "log_mean": log_mean,
        "log_m2": np.where(varied, ((logs - log_mean) ** 2).sum(axis=0), 0.0),
        "first": series[0],
        "last": series[-1],
        "d2": (np.diff(series, axis=0) ** 2).sum(axis=0),
        "st": places @ deviations,
    }
    for name, values in moments.items():
        tables[name][row, columns] = values
