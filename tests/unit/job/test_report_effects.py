import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_job.features import FEATURE_SETS
from trainer_job.report.effects import LIMIT, effects, strongest

MODES = np.array([0, 0, 0, 1, 1, 1, 1])


def table(seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(size=(len(MODES), 3))
    values[:, 1] += 2.0 * MODES
    return pd.DataFrame(values, columns=["a_mean", "b_mean", "b_std"])


def test_cohens_d_is_the_difference_over_the_pooled_spread() -> None:
    features = table()
    one, rest = features[MODES == 0], features[MODES == 1]
    pooled = np.sqrt((2 * one.var(ddof=1) + 3 * rest.var(ddof=1)) / 5)
    expected = (one.mean() - rest.mean()) / pooled
    found = effects(features, MODES).cohen
    np.testing.assert_allclose(found[0], expected)
    np.testing.assert_allclose(found[1], -expected)


def test_the_level_is_in_standard_deviations_of_all() -> None:
    features = table()
    expected = (features[MODES == 1].mean() - features.mean()) / features.std(ddof=0)
    np.testing.assert_allclose(effects(features, MODES).level[1], expected)


def test_separation_is_the_share_of_the_variance_between_modes() -> None:
    features = table()
    between = features.groupby(MODES).transform("mean").var(ddof=0)
    np.testing.assert_allclose(effects(features, MODES).separation, between / features.var(ddof=0))


@given(
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-6, 1.0, 1e6, 1e90]),
    shift=st.sampled_from([0.0, -5.0]),
)
def test_no_unit_changes_an_effect(seed: int, scale: float, shift: float) -> None:
    features = table(seed)
    found = effects(features * scale + shift * scale, MODES)
    np.testing.assert_allclose(found.cohen, effects(features, MODES).cohen, rtol=1e-6, atol=1e-9)


def test_what_is_constant_has_no_effect_and_what_parts_the_modes_the_largest() -> None:
    features = pd.DataFrame({"same": [5.0] * 7, "parts": MODES * 3.0})
    found = effects(features, MODES)
    assert list(found.cohen.loc["same"]) == [0, 0]
    assert list(found.cohen.loc["parts"]) == [-LIMIT, LIMIT]
    assert found.separation.tolist() == pytest.approx([0, 1])
    assert list(found.distinctive(1, 1).index) == ["parts"]


def test_a_single_mode_differs_from_nothing() -> None:
    found = effects(table(), np.zeros(len(MODES), dtype=np.int64))
    assert (found.cohen == 0).all(axis=None)
    assert found.level[0].abs().max() < 1e-12


def test_each_sensor_stands_for_itself_once() -> None:
    origins = FEATURE_SETS["basic"].origins(["a", "b"])
    found = strongest(effects(table(), MODES), origins)
    assert found[0] == ("b", "b_mean")
    assert {sensor for sensor, _ in found} == {"a", "b"}
    assert len(found) == 2
