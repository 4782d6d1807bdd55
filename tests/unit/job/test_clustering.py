import numpy as np
import pandas as pd
import pytest

from trainer_job import clustering
from trainer_job.errors import UnusableData


def three_groups(size: int = 10) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    centres = np.repeat([[0.0, 0.0], [100.0, 0.0], [0.0, 1.0]], size, axis=0)
    return pd.DataFrame(centres + rng.normal(0, [1, 0.01], centres.shape), columns=["x", "y"])


def test_finds_groups_whatever_the_units() -> None:
    fit = clustering.fit(three_groups(), 3, 42)
    groups = fit.modes.reshape(3, -1)
    assert [len(set(group)) for group in groups] == [1, 1, 1]
    assert set(fit.modes) == {0, 1, 2}
    assert fit.silhouette is not None
    assert fit.silhouette > 0.9


def test_distances_are_those_to_the_own_centre_in_standardised_space() -> None:
    features = three_groups()
    fit = clustering.fit(features, 3, 42)
    scaled = (features - features.mean()) / features.std(ddof=0)
    centres = fit.pipeline.named_steps["kmeans"].cluster_centers_
    expected = np.linalg.norm(scaled.to_numpy() - centres[fit.modes], axis=1)
    np.testing.assert_allclose(fit.distances, expected)


def test_the_pipeline_gives_the_modes_that_it_was_fitted_to() -> None:
    features = three_groups()
    fit = clustering.fit(features, 3, 42)
    assert list(fit.pipeline.predict(features)) == list(fit.modes)


def test_a_seed_makes_the_fit_repeatable() -> None:
    rng = np.random.default_rng(3)
    features = pd.DataFrame(rng.normal(size=(60, 8)))
    one, two = (clustering.fit(features, 5, 7) for _ in range(2))
    assert list(one.modes) == list(two.modes)
    assert one.silhouette == two.silhouette


@pytest.mark.parametrize("clusters", [1, 4])
def test_without_two_groups_of_several_there_is_no_silhouette(clusters: int) -> None:
    features = pd.DataFrame({"x": [0.0, 1.0, 5.0, 9.0]})
    assert clustering.fit(features, clusters, 42).silhouette is None


def test_the_silhouette_of_many_episodes_is_that_of_a_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clustering, "SILHOUETTE_SAMPLE", 20)
    fit = clustering.fit(three_groups(), 3, 42)
    assert fit.silhouette is not None
    assert 0.9 < fit.silhouette < 1


def test_too_few_different_episodes_say_what_to_change() -> None:
    features = pd.DataFrame({"x": [1.0, 1.0, 1.0, 2.0]})
    with pytest.raises(UnusableData, match=r"Only 2 of 4 .* 3 clusters .spec.model.clusters."):
        clustering.fit(features, 3, 42)
    with pytest.raises(UnusableData, match=r"^2 episodes are too few for 3 clusters"):
        clustering.fit(features.tail(2), 3, 42)


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_always_holds_the_smallest_cluster(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(clustering, "SILHOUETTE_SAMPLE", 5)
    features = pd.DataFrame({"x": np.random.default_rng(0).normal(size=60)})
    features.iloc[0] = 1e6
    fit = clustering.fit(features, 2, seed)
    assert fit.silhouette is not None
    assert 0.5 < fit.silhouette < 1


def test_episodes_that_differ_by_rounding_alone_are_alike() -> None:
    features = pd.DataFrame({"x": [0.1 + 0.2, 0.3, 5.0, 5.0, 5.0], "y": [0.0] * 5})
    assert len(features.drop_duplicates()) == 3
    with pytest.raises(UnusableData, match=r"Only 2 of 5 .* 3 clusters .spec.model.clusters."):
        clustering.fit(features, 3, 1)
