import numpy as np
from sklearn.pipeline import Pipeline

from tests.support.manifests import make_manifest
from trainer_job.clustering import Clustering
from trainer_job.sample import representatives


def test_the_shortest_two_of_every_mode() -> None:
    manifest = make_manifest([0, 1, 2, 3, 4], readings=[9, 1, 5, 3, 7])
    modes = np.array([0, 1, 0, 0, 2])
    fit = Clustering(Pipeline([("none", None)]), modes, np.zeros(5), None, 3)
    assert representatives(fit, manifest) == (1, 2, 3, 4)
