"""Scaler and clusters, fitted on the feature table."""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from trainer_job import reasons
from trainer_job.errors import UnusableData

STARTS = 100
"""Starts of k-means. With ten, or with fifty, the seed still decides which of several nearly equal
solutions is found; with a hundred, all seeds tried on the shipped data find the best one."""

SILHOUETTE_SAMPLE = 10_000
"""Episodes beyond this are sampled: the silhouette compares each with each."""


@dataclass(frozen=True)
class Clustering:
    """Fitted pipeline and what it says of its own episodes.

    Attributes
    ----------
    pipeline
        Steps ``scaler`` and ``kmeans``.
    modes : shape (episodes,)
        Cluster of each episode.
    distances : shape (episodes,)
        Distance to its centre in standardised space.
    silhouette
        None where it is undefined: one cluster, or as many as episodes.
    """

    pipeline: Pipeline
    modes: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]
    silhouette: float | None


def fit(features: pd.DataFrame, clusters: int, seed: int) -> Clustering:
    """Standardise the features and find the clusters (k-means++, Lloyd).

    Parameters
    ----------
    features : shape (episodes, features)
        Without gaps.
    clusters, seed
        Number of clusters, and the seed that makes the fit repeatable.

    Raises
    ------
    UnusableData
        If there are fewer distinct episodes than clusters.
    """
    _require(clusters, len(features.drop_duplicates()), len(features))
    pipeline = Pipeline(
        [
            ("scaler", StandardScaler()),
            ("kmeans", KMeans(n_clusters=clusters, n_init=STARTS, random_state=seed)),
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said by the next check, in our words
        distances = pipeline.fit_transform(features)
    modes = distances.argmin(axis=1).astype(np.int64)
    # Episodes that differ in the last digit of a sum alone leave clusters empty.
    _require(clusters, len(np.unique(modes)), len(features))
    scaled = pipeline.named_steps["scaler"].transform(features)
    return Clustering(pipeline, modes, distances.min(axis=1), _silhouette(scaled, modes, seed))


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


def _silhouette(
    scaled: npt.NDArray[np.float64], modes: npt.NDArray[np.int64], seed: int
) -> float | None:
    """Return the mean silhouette (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7)."""
    if not 2 <= len(np.unique(modes)) < len(modes):
        return None
    if len(modes) > SILHOUETTE_SAMPLE:
        sample = np.random.default_rng(seed).choice(len(modes), SILHOUETTE_SAMPLE, replace=False)
        # One of each cluster, or a sample without the smallest might hold no two to compare.
        sample = np.union1d(sample, np.unique(modes, return_index=True)[1])
        scaled, modes = scaled[sample], modes[sample]
    return float(silhouette_score(scaled, modes))
