"""One fit: a pipeline with its modes and distances, or the reason why there is none."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.pipeline import Pipeline

from trainer_job import reasons
from trainer_job.assignment import assign, scaled
from trainer_job.clustering import silhouette
from trainer_job.clustering.algorithms import fit_pipeline
from trainer_job.errors import UnusableData


@dataclass(frozen=True)
class Clustering:
    """Fitted pipeline and what it says of its own episodes.

    Attributes
    ----------
    pipeline
        Its first step is ``scaler``, its last ``clusters``.
    modes : shape (episodes,)
        Cluster of each episode.
    distances : shape (episodes,)
        Distance to its centre in the space of the last step.
    silhouette
        None where it is undefined: one cluster, or as many as episodes.
    clusters
        Number of clusters, none of them empty.
    """

    pipeline: Pipeline
    modes: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]
    silhouette: float | None
    clusters: int


def fit(features: pd.DataFrame, algorithm: str, clusters: int, seed: int) -> Clustering:
    """Standardise the features and find the clusters.

    Parameters
    ----------
    features : shape (episodes, features)
        Without gaps.
    algorithm
        A name of :data:`trainer_job.clustering.algorithms.ALGORITHMS`.
    clusters, seed
        Number of clusters, and the seed that makes the fit repeatable.

    Raises
    ------
    UnusableData
        If there are fewer distinct episodes than clusters.
    """
    _require(clusters, len(features.drop_duplicates()), len(features))
    pipeline = fit_pipeline(features, algorithm, clusters, seed)
    modes, distances = assign(pipeline, features)
    # Episodes that differ in the last digit of a sum alone leave clusters empty.
    _require(clusters, len(np.unique(modes)), len(features))
    score = silhouette.mean(scaled(pipeline, features), modes, seed)
    return Clustering(pipeline, modes, distances, score, clusters)


def _require(clusters: int, distinct: int, episodes: int) -> None:
    if distinct < clusters:
        raise UnusableData(
            reasons.TOO_FEW_DISTINCT_EPISODES,
            f"{_number(distinct, episodes)} too few for {clusters} clusters "
            "(spec.model.clusters). Lower it, or widen spec.source.data.lookback.",
        )


def _number(distinct: int, episodes: int) -> str:
    if distinct == episodes:
        return "1 episode is" if episodes == 1 else f"{episodes} episodes are"
    return f"Only {distinct} of {episodes} episodes differ from each other,"
