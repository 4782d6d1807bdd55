from datetime import UTC, datetime

import numpy as np
from sklearn.pipeline import Pipeline

from trainer_job.clustering import Clustering
from trainer_job.episodes import Episode, Manifest
from trainer_job.sample import representatives

CLOSED = datetime(2026, 1, 31, tzinfo=UTC)


def episode(number: int, readings: int, digest: str = "0") -> Episode:
    return Episode(number, "m", CLOSED, None, readings, digest)


def test_the_shortest_two_of_every_mode() -> None:
    manifest = Manifest(tuple(episode(n, readings) for n, readings in enumerate([9, 1, 5, 3, 7])))
    modes = np.array([0, 1, 0, 0, 2])
    fit = Clustering(Pipeline([("none", None)]), modes, np.zeros(5), None)
    assert representatives(fit, manifest) == (1, 2, 3, 4)


def test_a_manifest_is_cut_in_its_order() -> None:
    manifest = Manifest(tuple(episode(n, 1) for n in range(4)))
    assert manifest.only([3, 1]).ids == (1, 3)


def test_the_hash_changes_with_episodes_and_values_alone() -> None:
    one = Manifest((episode(1, 5, "a"),))
    assert one.hash() == Manifest((episode(1, 5, "a"),)).hash()
    others = [(episode(1, 5, "b"),), (episode(1, 6, "a"),), (episode(2, 5, "a"),), ()]
    assert one.hash() not in {Manifest(other).hash() for other in others}
