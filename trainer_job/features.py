"""Feature sets: what a model sees of an episode.

The file is shipped inside each model, so that predictors compute the very features of the
training: beside numpy, pandas and scikit-learn it imports only its sibling
:mod:`trainer_job.moments`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from .moments import (
    LEVEL,
    LOG,
    ORDER,
    Floats,
    Moments,
    by_time,
    from_readings,
    signed_log,
    usable,
)

CATCH22 = (
    *("mode_5", "mode_10", "outlier_timing_pos", "outlier_timing_neg", "acf_timescale"),
    *("acf_first_min", "low_freq_power", "median_freq", "forecast_error", "whiten_timescale"),
    *("high_fluctuation", "stretch_high", "stretch_decreasing", "entropy_pairs", "ami2", "trev"),
    *("ami_timescale", "transition_variance", "periodicity", "embedding_dist", "rs_range", "dfa"),
)
"""Short names of the 22 characteristics of a time series (Lubba et al. 2019,
doi:10.1007/s10618-019-00647-x), in the order of pycatch22."""

_TINY = 1e-100
"""A spread whose square may be no double any more, on which pycatch22 ends the whole process. The
22 values do not depend on the unit."""

Statistic = Callable[[Moments], Floats]


class MissingSensor(ValueError):
    """An episode has no usable reading of a sensor that the model needs."""


class FeatureSet(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Turns the moments of episodes into a table of features; it learns nothing from them.

    Parameters
    ----------
    needs
        Names of the moments that the statistics use.
    by_sensor
        Part of a column's name after the sensor's → statistic, shape (episodes, sensors).
    across
        Name of a column → statistic of the whole episode, shape (episodes,).
    """

    def __init__(
        self,
        needs: tuple[str, ...],
        by_sensor: Mapping[str, Statistic],
        across: Mapping[str, Statistic] | None = None,
    ) -> None:
        self.needs = needs
        self.by_sensor = by_sensor
        self.across = across

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, moments: Moments, y: object = None) -> Self:
        """Return the set as it is."""
        return self

    def transform(self, moments: Moments) -> pd.DataFrame:
        """Compute the feature table.

        Parameters
        ----------
        moments
            With the tables that the set `needs`.

        Returns
        -------
        DataFrame, shape (episodes, features)
            Finite doubles, indexed by episode: sensor by sensor, then what spans all sensors.

        Raises
        ------
        MissingSensor
            If an episode has no usable reading of a sensor.
        """
        _refuse_gaps(moments)
        parts = [statistic(moments) for statistic in self.by_sensor.values()]
        table = np.stack(parts, axis=2).reshape(len(moments.episodes), -1)
        spanning = [statistic(moments)[:, None] for statistic in (self.across or {}).values()]
        return pd.DataFrame(
            np.hstack([table, *spanning]),
            index=pd.Index(moments.episodes, name="episode"),
            columns=self.get_feature_names_out(moments.sensors),
        )

    def get_feature_names_out(self, sensors: Sequence[str]) -> list[str]:
        """Return the columns of the table that these sensors give."""
        return [f"{sensor}_{name}" for sensor in sensors for name in self.by_sensor] + list(
            self.across or {}
        )

    def origins(self, sensors: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return sensor and statistic of each column of these sensors; the others have none.

        No suffix tells that: ``a_logged_mean`` may be of the sensor ``a_logged``.
        """
        return {f"{sensor}_{name}": (sensor, name) for sensor in sensors for name in self.by_sensor}


def is_derived(column: object) -> bool:
    """Whether a column of a feature table follows from those of all sensors."""
    return column in _NORMS


def sensor_of(column: object) -> str:
    """Guess the sensor that a column of a feature table belongs to, itself if to none.

    Where the sensors are known, :meth:`FeatureSet.origins` tells it.
    """
    name = str(column)
    ends = [f"_{part}" for features in FEATURE_SETS.values() for part in features.by_sensor]
    found = [end for end in ends if name.endswith(end)]
    return name.removesuffix(max(found, key=len)) if found else name


def episode_features(
    readings: pd.DataFrame, sensors: Sequence[str], feature_set: str
) -> pd.DataFrame:
    """Compute the feature table from readings.

    Parameters
    ----------
    readings
        As for :func:`trainer_job.moments.from_readings`; sensors in their units.
    sensors
        The model's sensors, in its order.
    feature_set
        A name of `FEATURE_SETS`.

    Returns
    -------
    DataFrame, shape (episodes, features)
        Indexed by episode in order of first appearance.

    Raises
    ------
    MissingSensor
        If a column is missing, or an episode has no usable reading of a sensor.
    """
    moments = episode_moments(readings, sensors, feature_set)
    return FEATURE_SETS[feature_set].transform(moments)


def episode_moments(readings: pd.DataFrame, sensors: Sequence[str], feature_set: str) -> Moments:
    """Compute the moments that a feature set needs from readings.

    Parameters and errors are those of :func:`episode_features`; where catch22 is asked for and
    pycatch22 is not installed, an ImportError says so.
    """
    absent = [sensor for sensor in sensors if sensor not in readings.columns]
    if absent:
        raise MissingSensor(f"no column for sensor {', '.join(absent)}; the model needs it")
    moments = from_readings(readings, sensors)
    if not set(CATCH22) & set(FEATURE_SETS[feature_set].needs):
        return moments
    tables = {**moments.tables, **_catch22(readings, sensors)}
    return Moments(moments.episodes, moments.sensors, moments.readings, tables)


def _catch22(readings: pd.DataFrame, sensors: Sequence[str]) -> dict[str, Floats]:
    """Compute the 22 characteristics of each series, shape (episodes, sensors) each.

    What cannot be told of a series is 0: all of a constant one, and of one with fewer than
    about ten values what needs more of them. About 0.1 ms a series of 50 values.
    """
    from pycatch22 import catch22_all  # noqa: PLC0415 - an optional extra

    codes, episodes = pd.factorize(readings["episode"].to_numpy())
    order = by_time(readings, codes)
    values = usable(readings, sensors).to_numpy("float64")[order]
    starts = np.searchsorted(codes[order], np.arange(len(episodes) + 1))
    result = np.zeros((len(CATCH22), len(episodes), len(sensors)))
    for row in range(len(episodes)):
        for column in range(len(sensors)):
            series = values[starts[row] : starts[row + 1], column]
            series = series[~np.isnan(series)]
            spread = np.ptp(series) if len(series) else 0.0
            if spread == 0:
                continue
            if spread < _TINY:
                series = series / np.abs(series).max()
            result[:, row, column] = catch22_all(series.tolist(), mask_nans=False)["values"]
    return dict(zip(CATCH22, np.nan_to_num(result, posinf=0.0, neginf=0.0), strict=True))


def _refuse_gaps(moments: Moments) -> None:
    gaps = moments["n"] == 0
    if gaps.any():
        row = int(gaps.any(axis=1).argmax())
        sensors = ", ".join(np.asarray(moments.sensors)[gaps[row]])
        raise MissingSensor(
            f"episode {moments.episodes[row]} has no usable reading of sensor {sensors}"
        )


def _table(name: str) -> Statistic:
    return lambda moments: moments[name]


def _logged(statistic: Statistic) -> Statistic:
    return lambda moments: signed_log(statistic(moments))


def _std(moments: Moments) -> Floats:
    return moments.std


def _log_std(moments: Moments) -> Floats:
    return np.asarray(np.sqrt(moments["log_m2"] / moments["n"]))


def _change(moments: Moments) -> Floats:
    """Return the slope of the regression on the place, times the number of readings.

    It has the sensor's unit, and is 0 for a single reading.
    """
    # Sum of squares of the places 0 .. n-1 about their mean: n (n² - 1) / 12.
    squares = np.maximum(moments["n"] ** 2 - 1, 1)
    return np.asarray(12 * moments["st"] / squares)


def _autocorrelation(moments: Moments) -> Floats:
    """Return the autocorrelation at lag one; 0 for a constant series.

    The squared differences of neighbours add up to all squared deviations twice, but for those
    of the first and last value, less twice the products of neighbours' deviations.
    """
    m2, mean = moments["m2"], moments["mean"]
    ends = (moments["first"] - mean) ** 2 + (moments["last"] - mean) ** 2
    products = m2 - (moments["d2"] + ends) / 2
    result = np.divide(products, m2, out=np.zeros_like(m2), where=m2 > 0)
    return np.asarray(np.clip(result, -1.0, 1.0))


def _energy(moments: Moments) -> Floats:
    """Return the root mean square."""
    return np.asarray(np.hypot(moments["mean"], moments.std))


def _norm(statistic: Statistic) -> Statistic:
    """Return the Euclidean norm over the sensors: comparable after the logarithm alone."""
    return lambda moments: np.asarray(np.linalg.norm(signed_log(statistic(moments)), axis=1))


def _duration(moments: Moments) -> Floats:
    return moments.readings.astype("float64")


_MEAN, _MIN, _MAX = _table("mean"), _table("min"), _table("max")
_BASIC = {"mean": _MEAN, "std": _std, "min": _MIN, "max": _MAX}
_ROBUST = {f"log_{name}": _logged(statistic) for name, statistic in _BASIC.items()}
# The logarithm keeps the order, so that it may be taken of the extremes themselves.
_LOGGED = {
    "logged_mean": _table("log_mean"),
    "logged_std": _log_std,
    "logged_min": _logged(_MIN),
    "logged_max": _logged(_MAX),
}
_DYNAMICS = {
    "logged_change": _logged(_change),
    "autocorrelation": _autocorrelation,
    "logged_energy": _logged(_energy),
}
_NORMS = {"mean_norm": _norm(_MEAN), "std_norm": _norm(_std), "change_norm": _norm(_change)}

FEATURE_SETS: Mapping[str, FeatureSet] = {
    "basic": FeatureSet(LEVEL, _BASIC),
    "seed": FeatureSet(LEVEL, _BASIC, {"duration": _duration}),
    "robust": FeatureSet(LEVEL, _ROBUST),
    "logged": FeatureSet((*LEVEL, *LOG), _LOGGED),
    "dynamics": FeatureSet((*LEVEL, *LOG, *ORDER), _LOGGED | _DYNAMICS, _NORMS),
    # The series are standardised before their 22 values are taken: level and spread beside them.
    "catch22": FeatureSet(
        (*LEVEL, *LOG, *CATCH22), _LOGGED | {f"catch22_{name}": _table(name) for name in CATCH22}
    ),
}
"""Feature sets by name.

Statistics of a sensor are the mean, the standard deviation of the population (ddof 0), the
smallest and the largest value: of the readings (``basic``, and ``seed`` with the number of
readings beside them), their signed logarithms (``robust``), or those of the signed logarithms of
the readings (``logged``); ``dynamics`` adds how the values run and ``catch22`` the shape of the
series. Two columns of one name hold the same numbers in every set, so that a predictor that knows
only plain statistics fails on another model's names and does not feed it the wrong numbers.
"""
