"""One fit: a pipeline with its modes and distances, or the reason why there is none."""

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.pipeline import Pipeline

from trainer_job import reasons
from trainer_job.assignment import assign, scaled
from trainer_job.clustering import silhouette
from trainer_job.clustering.algorithms import fit_pipeline
from trainer_job.clustering.structure import small_fits
from trainer_job.errors import UnusableData

Modes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SMALL = 200_000
"""Values up to which a table is fitted faster by one thread than by several, which wait for each
other."""

PART = 2_000
"""Episodes that are looked at at a time."""


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
    modes: Modes
    distances: Floats
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
    _require(clusters, distinct(features, clusters), len(features))
    with small_fits() if features.size <= SMALL else nullcontext():
        pipeline = fit_pipeline(features, algorithm, clusters, seed)
    with small_fits():
        # Part after part, each of which is small.
        modes, distances = _assigned(pipeline, features)
        _require_all(clusters, len(np.unique(modes)), algorithm)
        score = silhouette.mean(scaled(pipeline, features), modes, seed)
    return Clustering(pipeline, modes, distances, score, clusters)


def distinct(features: pd.DataFrame, enough: int) -> int:
    """Return how many episodes differ from each other, or some number from `enough` on."""
    found: set[tuple[float, ...]] = set()
    for start in range(0, len(features), PART):
        part = features.iloc[start : start + PART].drop_duplicates()
        found.update(part.itertuples(index=False, name=None))
        if len(found) >= enough:
            break
    return len(found)


def _assigned(pipeline: Pipeline, features: pd.DataFrame) -> tuple[Modes, Floats]:
    """Assign part after part: it takes several copies of what it is given."""
    parts = [
        assign(pipeline, features.iloc[start : start + PART])
        for start in range(0, len(features), PART)
    ]
    modes, distances = zip(*parts, strict=True)
    return np.concatenate(modes), np.concatenate(distances)


def _require(clusters: int, different: int, episodes: int) -> None:
    if different < clusters:
        raise UnusableData(
            reasons.TOO_FEW_DISTINCT_EPISODES,
            f"{_number(different, episodes)} too few for {clusters} clusters "
            "(spec.model.clusters). Lower it, or widen the window (spec.source.data).",
        )


def _require_all(clusters: int, used: int, algorithm: str) -> None:
    """Refuse a fit with empty clusters: few of the episodes differ, or by a last digit alone."""
    if used < clusters:
        raise UnusableData(
            reasons.TOO_FEW_DISTINCT_EPISODES,
            f"Only {used} of {clusters} clusters have episodes with {algorithm} "
            "(spec.model.clusters): too many episodes are alike. Lower it, try another "
            "spec.model.algorithm, or widen the window (spec.source.data).",
        )


def _number(different: int, episodes: int) -> str:
    if different == episodes:
        return "1 episode is" if episodes == 1 else f"{episodes} episodes are"
    return f"Only {different} of {episodes} episodes differ from each other,"
