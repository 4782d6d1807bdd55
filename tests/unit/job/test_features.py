import ast
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from trainer_job import assignment, features
from trainer_job.features import (
    CATCH22,
    FEATURE_SETS,
    MissingSensor,
    episode_features,
    episode_moments,
    sensor_of,
)
from trainer_job.moments import Moments

finite = st.floats(-1e6, 1e6)
SETS = sorted(FEATURE_SETS)


def table(rows: Sequence[tuple[str, object, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["episode", "a", "b"])


def series(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"episode": "1", "a": values})


def value(readings: pd.DataFrame, feature_set: str, column: str) -> float:
    return float(episode_features(readings, ["a"], feature_set)[column].iloc[0])


def test_four_statistics_a_sensor_with_the_population_deviation() -> None:
    readings = table([("2", 1, 10), ("2", 3, 10), ("1", -4, 0)])
    result = episode_features(readings, ["b", "a"], "basic")
    expected = pd.DataFrame(
        [[10, 0, 10, 10, 2, 1, 1, 3], [0, 0, 0, 0, -4, 0, -4, -4]],
        dtype="float64",
        index=pd.Index(["2", "1"], name="episode"),
        columns=["b_mean", "b_std", "b_min", "b_max", "a_mean", "a_std", "a_min", "a_max"],
    )
    pd.testing.assert_frame_equal(result, expected)


def test_seed_adds_the_number_of_readings_usable_or_not() -> None:
    readings = table([("1", 1, 2), ("1", None, 3), ("2", 4, 4)])
    result = episode_features(readings, ["a", "b"], "seed")
    assert list(result.columns[:-1]) == list(episode_features(readings, ["a", "b"], "basic"))
    assert result["duration"].to_list() == [2.0, 1.0]


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=30))
def test_robust_is_basic_through_the_signed_logarithm(values: list[tuple[float, float]]) -> None:
    readings = table([("1", *pair) for pair in values])
    basic = episode_features(readings, ["a", "b"], "basic")
    robust = episode_features(readings, ["a", "b"], "robust")
    assert list(robust.columns) == [name.replace("_", "_log_") for name in basic.columns]
    for plain, log in zip(basic.iloc[0], robust.iloc[0], strict=True):
        assert log == pytest.approx(math.copysign(math.log1p(abs(plain)), plain), abs=1e-12)


@given(st.lists(finite, min_size=1, max_size=30))
def test_logged_is_basic_of_the_logarithms(values: list[float]) -> None:
    logs = [math.copysign(math.log1p(abs(value)), value) for value in values]
    logged = episode_features(series(*values), ["a"], "logged").to_numpy()
    basic = episode_features(series(*logs), ["a"], "basic").to_numpy()
    # Equal values have no spread at all; their logarithms may differ by rounding and have one.
    np.testing.assert_allclose(logged, basic, rtol=1e-9, atol=1e-6)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40))
def test_dynamics_are_those_of_the_textbook(values: list[float]) -> None:
    x = np.array(values)
    places = np.arange(len(x))
    change = float(np.polyfit(places, x, 1)[0] * len(x))
    energy = float(np.sqrt((x**2).mean()))
    found = episode_features(series(*values), ["a"], "dynamics").iloc[0]
    assert found["a_logged_change"] == pytest.approx(signed(change), abs=1e-6)
    assert found["a_logged_energy"] == pytest.approx(signed(energy), abs=1e-9)
    if x.std() > 1e-3:
        deviations = x - x.mean()
        lag_one = (deviations[:-1] * deviations[1:]).sum() / (deviations**2).sum()
        assert found["a_autocorrelation"] == pytest.approx(lag_one, abs=1e-6)


def signed(value: float) -> float:
    return math.copysign(math.log1p(abs(value)), value)


@pytest.mark.parametrize(
    ("values", "change", "autocorrelation"),
    [((2.0, 4.0, 6.0, 8.0), 8.0, 0.25), ((1.0, -1.0, 1.0, -1.0), -1.6, -0.75), ((5.0,), 0.0, 0.0)],
)
def test_dynamics_by_hand(values: tuple[float, ...], change: float, autocorrelation: float) -> None:
    readings = series(*values)
    assert value(readings, "dynamics", "a_logged_change") == pytest.approx(signed(change))
    assert value(readings, "dynamics", "a_autocorrelation") == pytest.approx(autocorrelation)


def test_norms_span_the_sensors_after_the_logarithm() -> None:
    readings = table([("1", 2, -7), ("1", 4, -7), ("1", 6, -7)])
    found = episode_features(readings, ["a", "b"], "dynamics").iloc[0]
    assert found["mean_norm"] == pytest.approx(math.hypot(math.log(5), math.log(8)))
    assert found["std_norm"] == pytest.approx(math.log1p(math.sqrt(8 / 3)))
    assert found["change_norm"] == pytest.approx(math.log1p(6))


def test_the_order_of_time_counts_and_not_that_of_the_rows() -> None:
    rising = series(1, 5, 2, 9).assign(timestamp=[f"2026-01-01T00:00:0{n}Z" for n in range(4)])
    mixed = rising.iloc[[2, 0, 3, 1]]
    for feature_set in ("dynamics", "catch22"):
        one, two = (episode_features(rows, ["a"], feature_set) for rows in (rising, mixed))
        pd.testing.assert_frame_equal(one, two)
    untimed = episode_features(mixed.drop(columns="timestamp"), ["a"], "dynamics")
    assert untimed["a_autocorrelation"].iloc[0] != pytest.approx(
        value(rising, "dynamics", "a_autocorrelation")
    )


def test_catch22_is_that_of_pycatch22() -> None:
    from pycatch22 import catch22_all

    values = [float(v) for v in np.random.default_rng(1).normal(size=40)]
    known = catch22_all(values, short_names=True, mask_nans=False)
    assert tuple(known["short_names"]) == CATCH22
    found = episode_features(series(*values), ["a"], "catch22").iloc[0]
    expected = np.nan_to_num(known["values"])
    np.testing.assert_allclose([found[f"a_catch22_{n}"] for n in CATCH22], expected)


def test_catch22_of_a_constant_is_zero() -> None:
    found = episode_features(series(*[3.5] * 20), ["a"], "catch22").iloc[0]
    assert [found[f"a_catch22_{name}"] for name in CATCH22] == [0.0] * 22


def test_without_pycatch22_only_catch22_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycatch22", None)
    episode_features(series(1, 2), ["a"], "dynamics")
    with pytest.raises(ImportError):
        episode_features(series(1, 2), ["a"], "catch22")


@pytest.mark.parametrize("feature_set", SETS)
@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 1.0, -2.5, 1e-300, 1e100, -1e100]), min_size=1, max_size=6),
        min_size=1,
        max_size=4,
    )
)
def test_every_set_is_finite_whatever_the_length(
    feature_set: str, episodes: list[list[float]]
) -> None:
    rows = [(str(n), x, 7.0) for n, values in enumerate(episodes) for x in values]
    result = episode_features(table(rows), ["a", "b"], feature_set)
    assert np.isfinite(result.to_numpy()).all()
    assert (result.dtypes == "float64").all()
    assert result.index.name == "episode"


@pytest.mark.parametrize("feature_set", SETS)
def test_a_set_uses_the_moments_that_it_needs_and_no_other(feature_set: str) -> None:
    readings = table([(str(n % 3), n, n * n % 7) for n in range(30)])
    every = episode_moments(readings, ["b", "a"], "catch22")
    chosen = FEATURE_SETS[feature_set]
    needed = {name: every[name] for name in chosen.needs}
    some = Moments(every.episodes, every.sensors, every.readings, needed)
    result = clone(chosen).fit(some).transform(some)
    assert list(result.columns) == chosen.get_feature_names_out(["b", "a"])
    pd.testing.assert_frame_equal(result, episode_features(readings, ["b", "a"], feature_set))


def test_columns_of_one_name_hold_the_same_in_every_set() -> None:
    rng = np.random.default_rng(1)
    readings = table([(str(n % 4), *rng.normal(0, 100, 2)) for n in range(40)])
    known: dict[str, pd.Series] = {}
    for feature_set in SETS:
        for name, column in episode_features(readings, ["a", "b"], feature_set).items():
            pd.testing.assert_series_equal(known.setdefault(str(name), column), column)


@pytest.mark.parametrize("feature_set", SETS)
def test_columns_tell_their_sensor(feature_set: str) -> None:
    names = FEATURE_SETS[feature_set].get_feature_names_out(["Fx", "Sensor 1"])
    by_sensor = len(FEATURE_SETS[feature_set].by_sensor)
    assert [sensor_of(name) for name in names[: 2 * by_sensor]] == (
        ["Fx"] * by_sensor + ["Sensor 1"] * by_sensor
    )
    assert [sensor_of(name) for name in names[2 * by_sensor :]] == names[2 * by_sensor :]


@pytest.mark.parametrize("feature_set", SETS)
def test_each_column_of_a_sensor_has_its_origin(feature_set: str) -> None:
    chosen, sensors = FEATURE_SETS[feature_set], ["a", "a_mean", "a_logged", "a_logged_mean", ""]
    names = chosen.get_feature_names_out(sensors)
    expected = [(sensor, name) for sensor in sensors for name in chosen.by_sensor]
    origins = chosen.origins(sensors)
    assert [origins.get(name) for name in names] == expected + [None] * len(chosen.across or {})


@pytest.mark.parametrize("bad", ["x", None, math.nan, math.inf, -math.inf, 1e300])
def test_what_is_no_measurement_is_left_out(bad: object) -> None:
    readings = table([("1", bad, 1), ("1", 4, 1), ("1", 6, bad)])
    result = episode_features(readings, ["a", "b"], "basic")
    assert result.to_numpy().tolist() == [[5, 1, 4, 6, 1, 0, 1, 1]]


def test_equal_readings_have_no_spread_at_all() -> None:
    readings = table([("1", 0.1, 1e9 + 0.1)] * 7)
    result = episode_features(readings, ["a", "b"], "basic")
    assert result[["a_std", "b_std"]].to_numpy().tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("feature_set", SETS)
def test_names_what_an_episode_lacks(feature_set: str) -> None:
    readings = table([("1", 1, 1), ("2", 1, None), ("2", 2, "x")])
    with pytest.raises(MissingSensor, match="episode 2 has no usable reading of sensor b"):
        episode_features(readings, ["a", "b"], feature_set)


def test_names_the_sensor_without_a_column() -> None:
    with pytest.raises(MissingSensor, match="no column for sensor c, d"):
        episode_features(table([("1", 1, 1)]), ["a", "c", "d"], "basic")


@pytest.mark.parametrize("module", [features, assignment])
def test_imports_only_what_every_predictor_has(module: object) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text())  # type: ignore[attr-defined]
    absolute: set[str] = set()
    relative: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            absolute |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            (relative if node.level else absolute).add(str(node.module).split(".")[0])
    assert absolute <= {"collections", "typing", "numpy", "pandas", "sklearn", "pycatch22"}
    assert relative <= {"moments", "features"}
