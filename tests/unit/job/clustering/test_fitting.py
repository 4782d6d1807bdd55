import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import ward

from tests.unit.job.clustering.groups import grouped
from trainer_job import clustering
from trainer_job.clustering import algorithms, fitting
from trainer_job.clustering.algorithms import ALGORITHMS
from trainer_job.errors import UnusableData

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


def three_groups(size: int = 10) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    centres = np.repeat([[0.0, 0.0], [100.0, 0.0], [0.0, 1.0]], size, axis=0)
    return pd.DataFrame(centres + rng.normal(0, [1, 0.01], centres.shape), columns=["x", "y"])


@every_algorithm
def test_finds_groups_whatever_the_units(algorithm: str) -> None:
    fit = clustering.fit(three_groups(), algorithm, 3, 42)
    groups = fit.modes.reshape(3, -1)
    assert [len(set(group)) for group in groups] == [1, 1, 1]
    assert set(fit.modes) == {0, 1, 2}
    assert fit.clusters == 3
    assert fit.silhouette is not None
    assert fit.silhouette > 0.9


@every_algorithm
def test_the_pipeline_gives_the_modes_that_it_was_fitted_to(algorithm: str) -> None:
    features = grouped(apart=1.0)
    fit = clustering.fit(features, algorithm, 3, 42)
    assert list(fit.pipeline.predict(features)) == list(fit.modes)
    names = [name for name, _ in fit.pipeline.steps]
    assert (names[0], names[-1]) == ("scaler", "clusters")


@every_algorithm
def test_a_seed_makes_the_fit_repeatable(algorithm: str) -> None:
    features = pd.DataFrame(np.random.default_rng(3).normal(size=(60, 8)))
    one, two = (clustering.fit(features, algorithm, 5, 7) for _ in range(2))
    assert list(one.modes) == list(two.modes)
    assert one.silhouette == two.silhouette


@every_algorithm
def test_a_pipeline_is_loaded_without_this_project(algorithm: str) -> None:
    pickled = pickle.dumps(clustering.fit(grouped(), algorithm, 3, 42).pipeline)
    assert b"trainer_job" not in pickled


@every_algorithm
def test_one_cluster_holds_all_also_where_all_are_alike(algorithm: str) -> None:
    for features in (grouped(), pd.DataFrame({"x": [2.0] * 5, "y": [0.0] * 5})):
        fit = clustering.fit(features, algorithm, 1, 42)
        assert set(fit.modes) == {0}
        assert np.isfinite(fit.distances).all()
        assert fit.silhouette is None


def test_as_many_clusters_as_episodes_have_no_silhouette() -> None:
    features = pd.DataFrame({"x": [0.0, 1.0, 5.0, 9.0]})
    assert clustering.fit(features, "kmeans", 4, 42).silhouette is None


@every_algorithm
def test_too_few_different_episodes_say_what_to_change(algorithm: str) -> None:
    features = pd.DataFrame({"x": [1.0, 1.0, 1.0, 2.0]})
    with pytest.raises(UnusableData, match=r"Only 2 of 4 .* 3 clusters .spec.model.clusters."):
        clustering.fit(features, algorithm, 3, 42)
    with pytest.raises(UnusableData, match=r"^2 episodes are too few for 3 clusters"):
        clustering.fit(features.tail(2), algorithm, 3, 42)


@every_algorithm
def test_episodes_that_differ_by_rounding_alone_are_alike(algorithm: str) -> None:
    features = pd.DataFrame({"x": [0.1 + 0.2, 0.3, 5.0, 5.0, 5.0], "y": [0.0] * 5})
    assert len(features.drop_duplicates()) == 3
    with pytest.raises(UnusableData, match=r"Only 2 of 3 clusters .*spec.model.clusters.*alike"):
        clustering.fit(features, algorithm, 3, 1)


@every_algorithm
def test_one_episode_is_one_cluster(algorithm: str) -> None:
    found = clustering.fit(pd.DataFrame({"x": [1.0], "y": [5.0]}), algorithm, 1, 42)
    assert (found.modes.tolist(), found.distances.tolist()) == ([0], [0])


def with_an_extreme() -> pd.DataFrame:
    """Return two groups that differ little, and an episode that differs in half of the columns."""
    table = grouped(groups=2, size=25, apart=1.5)
    table.iloc[0, ::2] += 200.0
    return table


@pytest.mark.parametrize("algorithm", ["kmeans", "wardKMeans"])
def test_one_extreme_is_no_cluster_where_there_is_another_way(algorithm: str) -> None:
    features = with_an_extreme()
    free = algorithms.fit_pipeline(features, algorithm, 2, 42, any_size=True)
    assert min(np.bincount(free.predict(features))) == 1
    for quick in (True, False):
        fit = algorithms.fit_pipeline(features, algorithm, 2, 42, quick=quick)
        assert min(np.bincount(fit.predict(features))) >= 3
    assert fit[-1].inertia_ > free[-1].inertia_
    again = clustering.fit(features, algorithm, 2, 42)
    assert list(again.modes) == list(fit.predict(features))


@pytest.mark.parametrize("algorithm", ["kmeans", "wardKMeans"])
def test_the_best_is_kept_where_each_has_too_small_a_cluster(algorithm: str) -> None:
    features = pd.DataFrame({"x": [0.0, 0.1, 0.2, 50.0, 50.1]})
    assert sorted(np.bincount(clustering.fit(features, algorithm, 2, 42).modes)) == [2, 3]


@given(st.integers(0, 20), st.integers(1, 12))
def test_a_tree_is_cut_into_as_many_groups_as_asked(seed: int, number: int) -> None:
    space = np.random.default_rng(seed).integers(0, 4, size=(12, 2)).astype("float64")
    tree = ward(space)
    groups = algorithms.cut(tree, number)
    assert len(set(groups)) == number
    coarse = algorithms.cut(tree, max(number - 1, 1))
    assert len(set(zip(groups, coarse, strict=True))) == number


def test_ward_starts_from_a_sample_where_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features = grouped(size=50)
    whole = clustering.fit(features, "wardKMeans", 3, 42)
    monkeypatch.setattr(algorithms, "WARD_EPISODES", 30)
    sampled = clustering.fit(features, "wardKMeans", 3, 42)
    assert len(sampled.modes) == 150
    pairs = set(zip(whole.modes, sampled.modes, strict=True))
    assert len(pairs) == 3


def test_a_mixture_keeps_nine_tenths_of_the_variance() -> None:
    pipeline = clustering.fit(grouped(apart=1.0), "gaussianMixture", 2, 42).pipeline
    shares = pipeline.named_steps["components"].explained_variance_ratio_
    assert shares.sum() >= 0.9 > shares[:-1].sum()


@pytest.mark.parametrize(("work", "starts"), [(0, 100), (50_000, 100), (1_600_000, 10), (10**9, 3)])
def test_large_tables_get_fewer_starts(work: int, starts: int) -> None:
    assert algorithms.allowed_starts(work) == starts


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, -0.0, 1.5])] * 2), min_size=1, max_size=30),
    st.integers(1, 12),
)
def test_counts_different_episodes_as_far_as_needed(
    rows: list[tuple[float, float]], enough: int
) -> None:
    features = pd.DataFrame(rows, columns=["x", "y"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "PART", 4)
        found = fitting.distinct(features, enough)
    assert min(found, enough) == min(len(set(rows)), enough)
    assert found <= len(set(rows))


@every_algorithm
def test_large_tables_are_fitted_like_small_ones(
    monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    features = grouped(size=60)
    whole = clustering.fit(features, algorithm, 3, 42)
    monkeypatch.setattr(algorithms, "STARTING", 40)
    monkeypatch.setattr(algorithms, "PART", 50)
    monkeypatch.setattr(fitting, "PART", 70)
    monkeypatch.setattr(fitting, "SMALL", 0)
    parts = clustering.fit(features, algorithm, 3, 42)
    assert len(set(zip(whole.modes, parts.modes, strict=True))) == 3
    # The others keep the centres of the sample.
    if algorithm in {"kmeans", "wardKMeans"}:
        assert sorted(parts.distances) == pytest.approx(sorted(whole.distances))


def test_the_fit_leaves_the_table_as_it_was() -> None:
    features = grouped()
    before = features.copy()
    clustering.fit(features, "wardKMeans", 3, 42)
    pd.testing.assert_frame_equal(features, before)
