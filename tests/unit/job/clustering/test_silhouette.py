import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples, silhouette_score

from trainer_job.clustering import silhouette


@given(st.integers(2, 5), st.integers(0, 99))
def test_is_the_mean_of_rousseeuw(clusters: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    space, modes = rng.normal(size=(30, 3)), np.arange(30) % clusters
    assert silhouette.mean(space, modes, 0) == pytest.approx(silhouette_score(space, modes))


@given(st.integers(0, 99), st.integers(1, 900))
def test_is_the_one_of_scikit_learn_for_each_episode(seed: int, distances: int) -> None:
    rng = np.random.default_rng(seed)
    space = rng.normal(size=(30, 3))
    # A cluster of one, numbers that are not in use, and two equal episodes.
    modes = np.append(rng.integers(1, 4, 29) * 2, 9)
    space[3] = space[4]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(silhouette, "DISTANCES", distances)
        values = silhouette.of_episodes(space, modes, 0)
    expected = silhouette_samples(space, modes)
    assert values == pytest.approx(expected, abs=1e-6)
    assert values is not None
    assert values[29] == 0


def test_equal_episodes_lie_between_their_modes() -> None:
    values = silhouette.of_episodes(np.zeros((6, 2)), np.array([0, 0, 0, 1, 1, 1]), 0)
    assert values is not None
    assert list(values) == [0] * 6


@pytest.mark.parametrize("modes", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_without_two_groups_of_several_there_is_none(modes: list[int]) -> None:
    space = np.array([[0.0], [1.0], [5.0], [9.0]])
    assert silhouette.of_episodes(space, np.array(modes), 0) is None
    assert silhouette.mean(space, np.array(modes), 0) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_always_holds_the_smallest_cluster(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(silhouette, "SAMPLE", 5)
    space = np.random.default_rng(0).normal(size=(60, 1))
    space[0] = 1e6
    modes = (np.arange(60) == 0).astype(np.int64)
    values = silhouette.of_episodes(space, modes, seed)
    assert values is not None
    assert 5 <= len(values) <= 7
    score = silhouette.mean(space, modes, seed)
    assert score is not None
    assert 0.5 < score < 1
