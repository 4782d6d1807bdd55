import numpy as np
import pandas as pd
import pytest

from trainer_job import clustering
from trainer_job.assignment import assign, centres, scaled
from trainer_job.clustering.algorithms import ALGORITHMS


def groups(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    middle = np.repeat(rng.normal(0, 20, (3, 4)), 15, axis=0)
    return pd.DataFrame(middle + rng.normal(size=middle.shape), columns=list("abcd"))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_distances_are_those_to_the_centre_of_the_mode(algorithm: str) -> None:
    features = groups()
    pipeline = clustering.fit(features, algorithm, 3, 42).pipeline
    modes, distances = assign(pipeline, features)
    assert modes.dtype == np.int64
    space, middle = features, centres(pipeline)
    for _, step in pipeline.steps[:-1]:
        space = step.transform(space)
    for row in range(len(features)):
        by_hand = np.sqrt(((np.asarray(space)[row] - middle[modes[row]]) ** 2).sum())
        assert distances[row] == pytest.approx(by_hand)


@pytest.mark.parametrize("algorithm", ["kmeans", "wardKMeans"])
def test_the_centre_of_k_means_is_the_nearest(algorithm: str) -> None:
    features = groups(1)
    pipeline = clustering.fit(features, algorithm, 3, 42).pipeline
    modes, distances = assign(pipeline, features)
    every = np.linalg.norm(scaled(pipeline, features)[:, None] - centres(pipeline), axis=2)
    assert list(modes) == list(every.argmin(axis=1))
    np.testing.assert_allclose(distances, every.min(axis=1))


def test_a_mixture_asks_for_the_likeliest_and_not_for_the_nearest() -> None:
    rng = np.random.default_rng(0)
    wide, narrow = rng.normal(0, 6, size=(300, 2)), rng.normal(5, 0.2, size=(300, 2))
    features = pd.DataFrame(np.vstack([wide, narrow]), columns=["a", "b"])
    pipeline = clustering.fit(features, "gaussianMixture", 2, 42).pipeline
    modes, distances = assign(pipeline, features)
    nearest = np.linalg.norm(scaled(pipeline, features)[:, None] - centres(pipeline), axis=2)
    assert (nearest.argmin(axis=1) != modes).any()
    assert (distances >= nearest.min(axis=1) - 1e-12).all()


def test_new_episodes_one_by_one_or_together() -> None:
    pipeline = clustering.fit(groups(), "gaussianMixture", 3, 42).pipeline
    others = groups(2)
    modes, distances = assign(pipeline, others)
    for row in range(0, len(others), 7):
        one_mode, one_distance = assign(pipeline, others.iloc[[row]])
        assert one_mode[0] == modes[row]
        assert one_distance[0] == pytest.approx(distances[row])
