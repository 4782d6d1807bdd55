"""Making the model: number of clusters, the fit, and what is measured beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainer_job import clustering
from trainer_job.assignment import assign
from trainer_job.clustering import Clustering
from trainer_job.clustering.algorithms import fit_pipeline
from trainer_job.clustering.fitting import distinct
from trainer_job.clustering.selection import Selection, choose
from trainer_job.clustering.structure import NullBand, null_band, small_fits
from trainer_job.contract import ModelSpec
from trainer_job.holdout import Block
from trainer_job.novelty import FEWEST, Novelty, calibrate, spreads

FOLDS = 5
"""Fits that leave out a part each, where no episodes are held out."""

Integers = npt.NDArray[np.int64]

MOST_LEFT_OUT = 2_000
"""Episodes left out at most: more would not make a quantile of one in a hundred more exact."""


@dataclass(frozen=True)
class Fitted:
    """A model and what is measured without labels and without another version.

    Attributes
    ----------
    clustering
        The fit.
    selection
        How the number of clusters was chosen; None where it was given.
    null
        Silhouettes of data without structure; None where there is no silhouette.
    """

    clustering: Clustering
    selection: Selection | None
    null: NullBand | None


def fit(features: pd.DataFrame, spec: ModelSpec) -> Fitted:
    """Fit what the spec asks for.

    Where no number of the range is acceptable, one cluster is the honest answer.

    Raises
    ------
    UnusableData
        If there are fewer distinct episodes than clusters.
    """
    number, selection = spec.number, None
    if spec.cluster_range is not None:
        ends = (spec.cluster_range.min, spec.cluster_range.max)
        selection = choose(features, spec.algorithm, *ends, spec.seed)
        number = selection.chosen or 1
    found = clustering.fit(features, spec.algorithm, number, spec.seed)
    return Fitted(
        found, selection, null_band(features, spec.algorithm, number, spec.seed, modes=found.modes)
    )


def novelty(
    fitted: Clustering,
    features: pd.DataFrame,
    blocks: list[Block],
    held_out: tuple[pd.DataFrame, list[Block]],
    spec: ModelSpec,
) -> Novelty:
    """Return from which distance on an episode is unlike any known mode.

    Parameters
    ----------
    fitted, features, blocks
        The model, and its training episodes with their machine-days.
    held_out
        Features and machine-days of episodes that it was not fitted on. Where they are too few,
        parts of the training episodes are left out of further fits instead.
    spec
        How these are fitted.
    """
    scale = spreads(fitted.distances, fitted.modes, fitted.clusters)
    table, days = held_out
    if len(table) >= FEWEST:
        modes, distances = assign(fitted.pipeline, table)
        return calibrate(distances, modes, scale, days)
    rows, modes, distances = _left_out(features, fitted, blocks, spec)
    return calibrate(distances, modes, scale, [blocks[row] for row in rows])


def _left_out(
    features: pd.DataFrame, fitted: Clustering, blocks: Sequence[Block], spec: ModelSpec
) -> tuple[Integers, Integers, npt.NDArray[np.float64]]:
    """Return what fits say of episodes that they had no part in.

    Returns
    -------
    rows, modes, distances
        The episodes' places, their modes, and their distances to the centres. A cluster of such
        a fit stands for the mode of the model that most of its episodes have.
    """
    clusters, seed = fitted.clusters, spec.seed
    rows, modes, distances = [], [], []
    with small_fits():
        for out in _folds(blocks, seed):
            rest = features.drop(features.index[out])
            if not len(out) or distinct(rest, clusters) < clusters:
                continue
            pipeline = fit_pipeline(rest, spec.algorithm, clusters, seed, quick=True)
            counts = np.zeros((clusters, clusters), dtype=np.int64)
            np.add.at(counts, (assign(pipeline, rest)[0], np.delete(fitted.modes, out)), 1)
            found, gaps = assign(pipeline, features.iloc[out])
            rows.append(out)
            modes.append(counts.argmax(axis=1)[found])
            distances.append(gaps)
    if not rows:
        return np.array([], dtype=np.int64), np.array([], dtype=np.int64), np.array([])
    return np.concatenate(rows), np.concatenate(modes), np.concatenate(distances)


def _folds(blocks: Sequence[Block], seed: int) -> list[Integers]:
    """Return the places of the episodes that each fit leaves out.

    Whole machine-days, where there are enough: a fit that knows the same day is nearer to an
    episode than it will be to one of tomorrow.
    """
    rng = np.random.default_rng(seed)
    names = sorted(set(blocks))
    if len(names) >= FOLDS:
        turn = dict(zip(names, rng.permutation(len(names)).tolist(), strict=True))
        fold = np.array([turn[block] % FOLDS for block in blocks])
    else:
        fold = rng.permutation(len(blocks)) % FOLDS
    parts = [np.flatnonzero(fold == number) for number in range(FOLDS)]
    if max(map(len, parts)) >= MOST_LEFT_OUT:
        return [parts[0][:MOST_LEFT_OUT]]
    return parts
