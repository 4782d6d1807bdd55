import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.job.clustering.groups import columns, grouped, one_cloud
from trainer_job.clustering import structure
from trainer_job.clustering.algorithms import ALGORITHMS
from trainer_job.clustering.sizes import size_floor
from trainer_job.clustering.structure import NullBand, cloud, null_band, shuffled


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_groups_exceed_what_chance_makes(algorithm: str) -> None:
    band = null_band(grouped(apart=2.0), algorithm, 3, 42, draws=19)
    assert band is not None
    assert band.exceeded
    assert -1 <= band.median <= band.p95 < band.observed <= 1
    assert (band.draws, band.episodes) == (19, 60)


def test_sensors_that_follow_one_load_are_no_groups() -> None:
    bands = [null_band(one_cloud(seed=seed), "kmeans", 3, 42, draws=19) for seed in range(10)]
    # Each passes with a chance of about 1 in 20; four of ten with one of 1 in 1000.
    assert sum(band is not None and band.exceeded for band in bands) < 4


def test_independent_sensors_are_no_groups_though_their_columns_are_alike() -> None:
    alarms = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        values = np.repeat(rng.normal(size=(40, 4)), 4, axis=1) + 0.3 * rng.normal(size=(40, 16))
        band = null_band(pd.DataFrame(values, columns=columns(4)), "kmeans", 3, 42, draws=19)
        alarms += band is not None and band.exceeded
    assert alarms < 4


def test_chance_may_have_single_extremes_for_clusters() -> None:
    table = one_cloud().to_numpy(copy=True)
    table[0, ::2] += 500.0
    by_chance = structure.by_chance(table, "kmeans", 2, 0)
    assert by_chance is not None
    assert by_chance > 0.7
    real = structure.score(table, "kmeans", 2, 0)
    assert real is not None
    assert real < 0.5


@pytest.mark.parametrize("clusters", [1, 60, 61])
def test_undefined_is_none(clusters: int) -> None:
    assert null_band(one_cloud(), "kmeans", clusters, 42, draws=3) is None


def test_many_episodes_are_sampled_and_a_seed_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "SAMPLE", 30)
    one, two = (null_band(grouped(), "kmeans", 3, 42, draws=5) for _ in range(2))
    assert one is not None
    assert one.episodes == 30
    assert one == two


def test_constant_columns_and_equal_episodes_are_no_fault() -> None:
    table = grouped(apart=3.0).assign(s0_mean=4.0)
    table.iloc[:10] = table.iloc[0]
    band = null_band(table, "gaussianMixture", 3, 42, draws=5)
    assert band is not None
    assert math.isfinite(band.p95)


@given(st.integers(0, 50), st.integers(2, 20))
def test_shuffling_keeps_each_block_of_columns_together(seed: int, rows: int) -> None:
    table = np.arange(rows * 5, dtype="float64").reshape(rows, 5)
    drawn = shuffled(table, [[0, 2], [1, 3, 4]])(np.random.default_rng(seed))
    for block in ([0, 2], [1, 3, 4]):
        assert sorted(map(tuple, drawn[:, block])) == sorted(map(tuple, table[:, block]))


def test_a_cloud_keeps_correlations_and_tails_and_closes_gaps() -> None:
    rng = np.random.default_rng(1)
    one = rng.normal(size=5_000)
    heavy = np.sinh(2 * (0.8 * one + 0.6 * rng.normal(size=5_000)))
    gap = np.where(rng.random(5_000) < 0.5, -3.0, 3.0) + 0.1 * rng.normal(size=5_000)
    table = np.stack([one, heavy, gap], axis=1)[:1_500]
    drawn = cloud(table)(rng)
    ranks = [pd.DataFrame(values).rank().corr().iloc[0, 1] for values in (table, drawn)]
    assert ranks[1] == pytest.approx(ranks[0], abs=0.06)
    kurtosis = pd.DataFrame(drawn).kurt()
    assert abs(kurtosis[0]) < 1
    assert kurtosis[1] > 10
    middle = np.abs(drawn[:, 2]) < 0.5 * drawn[:, 2].std()
    assert (np.abs(table[:, 2]) < 0.5 * table[:, 2].std()).sum() == 0
    assert middle.mean() > 0.1


@given(st.integers(1, 10**6))
def test_the_size_floor_is_three_or_two_percent(episodes: int) -> None:
    assert size_floor(episodes) == max(3, math.ceil(0.02 * episodes - 1e-9))


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_only_more_than_the_band_exceeds_it(observed: float, p95: float) -> None:
    assert NullBand(observed, 0.0, p95, 99, 10).exceeded == (observed > p95)


def test_the_percentile_counts_the_real_table_among_the_draws() -> None:
    assert structure.percentile(np.arange(1.0, 20.0)) == 19
    assert structure.percentile(np.arange(1.0, 100.0)) == 95
