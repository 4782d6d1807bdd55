import ast
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_job import features
from trainer_job.features import (
    MissingSensor,
    episode_features,
    feature_names,
    features_from_moments,
    signed_log,
)

finite = st.floats(-1e6, 1e6)


def table(rows: list[tuple[str, object, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["episode", "a", "b"])


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


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=30))
def test_robust_is_basic_through_the_signed_logarithm(values: list[tuple[float, float]]) -> None:
    readings = table([("1", *pair) for pair in values])
    basic = episode_features(readings, ["a", "b"], "basic")
    robust = episode_features(readings, ["a", "b"], "robust")
    assert list(robust.columns) == feature_names(["a", "b"], "robust")
    for plain, log in zip(basic.iloc[0], robust.iloc[0], strict=True):
        assert log == pytest.approx(math.copysign(math.log1p(abs(plain)), plain), abs=1e-12)


@given(st.lists(finite, min_size=2, max_size=50))
def test_the_signed_logarithm_keeps_order_and_sign(values: list[float]) -> None:
    ordered = np.sort(np.array(values))
    logs = signed_log(ordered)
    assert (np.diff(logs) >= 0).all()
    assert (np.sign(logs) == np.sign(ordered)).all()


def test_the_names_of_the_sets_differ() -> None:
    assert set(feature_names(["a"], "basic")).isdisjoint(feature_names(["a"], "robust"))


@pytest.mark.parametrize("bad", ["x", None, math.nan, math.inf, -math.inf, 1e300])
def test_what_is_no_measurement_is_left_out(bad: object) -> None:
    readings = table([("1", bad, 1), ("1", 4, 1), ("1", 6, bad)])
    result = episode_features(readings, ["a", "b"], "basic")
    assert result.to_numpy().tolist() == [[5, 1, 4, 6, 1, 0, 1, 1]]


def test_equal_readings_have_no_spread_at_all() -> None:
    readings = table([("1", 0.1, 1e9 + 0.1)] * 7)
    result = episode_features(readings, ["a", "b"], "basic")
    assert result[["a_std", "b_std"]].to_numpy().tolist() == [[0.0, 0.0]]


def test_names_what_an_episode_lacks() -> None:
    readings = table([("1", 1, 1), ("2", 1, None), ("2", 2, "x")])
    with pytest.raises(MissingSensor, match="episode 2 has no usable reading of sensor b"):
        episode_features(readings, ["a", "b"], "basic")


def test_names_the_sensor_without_a_column() -> None:
    with pytest.raises(MissingSensor, match="no column for sensor c, d"):
        episode_features(table([("1", 1, 1)]), ["a", "c", "d"], "basic")


@pytest.mark.parametrize("feature_set", ["basic", "robust"])
def test_moments_of_a_database_give_the_same(feature_set: str) -> None:
    rng = np.random.default_rng(1)
    readings = table([(str(n % 4), *rng.normal(0, 100, 2)) for n in range(40)])
    rows = []
    for episode, group in readings.groupby("episode"):
        for sensor in ("b", "a"):
            x = group[sensor].astype(float)
            rows.append((int(str(episode)), sensor, x.mean(), x.std(ddof=0), x.min(), x.max()))
    moments = pd.DataFrame(rows, columns=["episode", "sensor", "mean", "std", "min", "max"])
    result = features_from_moments(moments, [3, 0, 1], ["a", "b"], feature_set)
    expected = episode_features(readings, ["a", "b"], feature_set).loc[["3", "0", "1"]]
    assert result.index.to_list() == [3, 0, 1]
    assert list(result.columns) == list(expected.columns)
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_a_pair_without_moments_is_refused() -> None:
    row = (1, "a", 1.0, 0.0, 1.0, 1.0)
    moments = pd.DataFrame([row], columns=["episode", "sensor", "mean", "std", "min", "max"])
    with pytest.raises(MissingSensor, match="episode 1 has no usable reading of sensor b"):
        features_from_moments(moments, [1], ["a", "b"], "basic")
    with pytest.raises(MissingSensor, match="episode 2"):
        features_from_moments(moments, [1, 2], ["a"], "basic")


def test_imports_only_what_every_predictor_has() -> None:
    tree = ast.parse(Path(str(features.__file__)).read_text())
    imported = {
        name.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    } | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"collections.abc", "typing", "numpy", "pandas"}
