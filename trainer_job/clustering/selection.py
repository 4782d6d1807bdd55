"""How many clusters: the smallest number that is as good as any, or none.

The silhouette alone prefers two clusters, or a single odd episode against all others. So a number
is a candidate only where the clusters are found again without a fifth of the episodes, are further
apart than those of tables without structure, and are no single episodes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from trainer_job.assignment import assign, scaled
from trainer_job.clustering import silhouette
from trainer_job.clustering.algorithms import fit_pipeline
from trainer_job.clustering.sizes import size_floor
from trainer_job.clustering.structure import (
    null_band,
    percentile,
    sampled,
    small_fits,
    without_derived,
    without_structure,
)

Floats = npt.NDArray[np.float64]

SAMPLE = 500
"""Episodes beyond this are sampled: a number of clusters takes some hundred fits."""

BAND_DRAWS = 39
"""Tables of each kind without structure that the silhouette is compared with."""

SUBSAMPLES, SHARE = 6, 0.8
"""Fits that the stability is the mean of, each to this share of the episodes, none twice."""

SHUFFLED = 19
"""Tables that the stability is compared with: their largest is exceeded by chance in 5 of 100."""


@dataclass(frozen=True)
class CurvePoint:
    """What is known of one number of clusters.

    Attributes
    ----------
    clusters
        The number.
    silhouette, silhouette_error
        Mean over the episodes, and its standard error: their standard deviation over the root of
        their number. None where it is undefined.
    null_p95
        95th percentile of the silhouette of tables without structure.
    stability
        Mean adjusted Rand index (Hubert & Arabie 1985, doi:10.1007/BF01908075) between the
        clusters and those of subsamples, on the episodes of each.
    null_stability
        95th percentile of the stability of shuffled tables.
    smallest_cluster
        Its number of episodes.
    candidate
        Whether stable, apart, and without a cluster below the size floor.
    """

    clusters: int
    silhouette: float | None
    silhouette_error: float | None
    null_p95: float | None
    stability: float | None
    null_stability: float | None
    smallest_cluster: int
    candidate: bool


@dataclass(frozen=True)
class Selection:
    """The number of clusters, and why.

    Attributes
    ----------
    chosen
        None where no number is acceptable.
    runner_up
        The candidate with the best silhouette but for the chosen one.
    curve
        All numbers that were tried, in ascending order.
    episodes
        How many were used: all, or a sample, which the curve's sizes refer to.
    """

    chosen: int | None
    runner_up: int | None
    curve: tuple[CurvePoint, ...]
    episodes: int


def choose(
    features: pd.DataFrame, algorithm: str, smallest: int, largest: int, seed: int
) -> Selection:
    """Choose the number of clusters.

    Parameters
    ----------
    features : shape (episodes, features)
        Columns named by a feature set.
    algorithm, seed
        As for :func:`trainer_job.clustering.fit`.
    smallest, largest
        Range of the number. With 1 as the smallest, one cluster is the choice where no other
        number is a candidate.
    """
    table = sampled(features, seed, SAMPLE)
    numbers = range(max(smallest, 2), min(largest, len(table) - 1) + 1)
    with small_fits():
        curve = tuple(_point(table, algorithm, clusters, seed) for clusters in numbers)
    chosen = best(curve)
    others = [point for point in curve if point.candidate and point.clusters != chosen]
    runner_up = max(others, key=_silhouette).clusters if others else None
    if chosen is None and smallest == 1:
        chosen = 1
    return Selection(chosen, runner_up, curve, len(table))


def best(curve: Sequence[CurvePoint]) -> int | None:
    """Return the smallest candidate within one standard error of the best silhouette.

    The one-standard-error rule of Breiman, Friedman, Olshen & Stone (1984, 3.4.3): what is best by
    less than chance is no reason for more clusters.
    """
    candidates = [point for point in curve if point.candidate]
    if not candidates:
        return None
    top = max(candidates, key=_silhouette)
    least = _silhouette(top) - (top.silhouette_error or 0.0)
    return min(point.clusters for point in candidates if _silhouette(point) >= least)


def _silhouette(point: CurvePoint) -> float:
    return -1.0 if point.silhouette is None else point.silhouette


def _point(table: pd.DataFrame, algorithm: str, clusters: int, seed: int) -> CurvePoint:
    values = table.to_numpy("float64")
    pipeline = fit_pipeline(values, algorithm, clusters, seed)
    modes, _ = assign(pipeline, values)
    smallest = int(np.bincount(modes, minlength=clusters).min())
    scores = silhouette.of_episodes(scaled(pipeline, values), modes, seed)
    if scores is None or smallest < size_floor(len(values)):
        # No candidate, whatever the rest: it is not worth some hundred fits.
        mean = None if scores is None else float(scores.mean())
        return CurvePoint(clusters, mean, None, None, None, None, smallest, candidate=False)
    band = null_band(table, algorithm, clusters, seed, BAND_DRAWS, modes)
    stable, by_chance = _stability(table, algorithm, clusters, seed)
    return CurvePoint(
        clusters,
        silhouette=float(scores.mean()),
        silhouette_error=float(scores.std(ddof=1) / math.sqrt(len(scores))),
        null_p95=None if band is None else band.p95,
        stability=stable,
        null_stability=by_chance,
        smallest_cluster=smallest,
        candidate=band is not None and band.exceeded and stable > by_chance,
    )


def _stability(
    table: pd.DataFrame, algorithm: str, clusters: int, seed: int
) -> tuple[float, float]:
    """Return the stability of the table, and the 95th percentile of that of shuffled ones."""
    table = without_derived(table)
    shuffled = next(without_structure(table))
    rng = np.random.default_rng(seed)
    observed = stability(table.to_numpy("float64"), algorithm, clusters, seed)
    chance = [stability(shuffled(rng), algorithm, clusters, seed) for _ in range(SHUFFLED)]
    return observed, percentile(np.sort(chance))


def stability(table: Floats, algorithm: str, clusters: int, seed: int) -> float:
    """Return how much of the clusters is found again in parts of the episodes.

    Mean adjusted Rand index between the clusters of all rows and those of `SUBSAMPLES` parts,
    drawn without replacement: a row that is drawn twice would be a cluster of its own.
    """
    rng = np.random.default_rng(seed)
    size = max(math.ceil(SHARE * len(table)), clusters)
    whole, _ = assign(fit_pipeline(table, algorithm, clusters, seed, quick=True), table)
    indices = []
    for _ in range(SUBSAMPLES):
        rows = rng.choice(len(table), size, replace=False)
        part = fit_pipeline(table[rows], algorithm, clusters, seed, quick=True)
        modes, _ = assign(part, table[rows])
        indices.append(adjusted_rand_score(whole[rows], modes))
    return float(np.mean(indices))
