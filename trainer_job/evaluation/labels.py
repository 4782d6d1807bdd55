"""How well a model agrees with what people say: on held-out episodes where enough are labelled."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from trainer_job.evaluation.matching import (
    Labels,
    Modes,
    best_possible_f1,
    contingency,
    macro_f1,
    match,
)

FEWEST_LABELLED = 30
FEWEST_A_LABEL = 5
"""Held-out episodes that must be labelled, in all and of each label, to be scored: on fewer, a
macro F1 is mostly luck."""


@dataclass(frozen=True)
class LabelScore:
    """Agreement of clusters and labels.

    Attributes
    ----------
    f1
        Macro F1 with the clusters called by `names`.
    on
        Which episodes were scored. The names come from training episodes either way, so that on
        those the score flatters.
    ari, v_measure
        Adjusted Rand index (Hubert & Arabie 1985, doi:10.1007/BF01908075) and V-measure
        (Rosenberg & Hirschberg 2007) of the same episodes: they need no names.
    best_possible
        The most that any model with this number of clusters could reach in `f1`.
    names
        Cluster → label, one to one.
    labels, episodes
        Number of distinct labels, and of labelled episodes, that were scored.
    table : shape (labels, clusters)
        Their numbers, indexed by label, with a column for every cluster.
    """

    f1: float
    on: Literal["Training", "Holdout"]
    ari: float
    v_measure: float
    best_possible: float
    names: dict[int, str]
    labels: int
    episodes: int
    table: pd.DataFrame


def enough(labels: Labels) -> bool:
    """Say whether held-out episodes with these labels can be scored."""
    counts = Counter(label for label in labels if label is not None)
    return counts.total() >= FEWEST_LABELLED and min(counts.values()) >= FEWEST_A_LABEL


def score_labels(
    modes: Modes,
    labels: Labels,
    clusters: int,
    held_out: tuple[Modes, Labels] = ((), ()),
) -> LabelScore | None:
    """Score a model against labels given by people.

    Parameters
    ----------
    modes, labels : shape (episodes,)
        Cluster and label of the training episodes; None is no label.
    clusters
        Number of clusters.
    held_out
        Modes and labels of episodes that the model was not fitted on.

    Returns
    -------
    LabelScore or None
        Of the held-out episodes where :func:`enough` are labelled, else of the training
        episodes; None where no training episode has a label that could name a cluster.
    """
    trained = match(modes, labels, clusters)
    if trained is None:
        return None
    on: Literal["Training", "Holdout"] = "Holdout" if enough(held_out[1]) else "Training"
    table = contingency(*(held_out if on == "Holdout" else (modes, labels)), clusters)
    sizes = dict(zip(table.index, table.sum(axis=1).tolist(), strict=True))
    ari, v_measure = _agreement(table)
    return LabelScore(
        f1=macro_f1(table, trained.names),
        on=on,
        ari=ari,
        v_measure=v_measure,
        best_possible=best_possible_f1(Counter(sizes), clusters),
        names=trained.names,
        labels=len(table),
        episodes=int(table.to_numpy().sum()),
        table=table,
    )


def _agreement(table: pd.DataFrame) -> tuple[float, float]:
    """Return adjusted Rand index and V-measure of the episodes that a table counts."""
    from sklearn.metrics import adjusted_rand_score, v_measure_score  # noqa: PLC0415

    counts = table.to_numpy()
    rows, columns = np.indices(counts.shape)
    pairs = [np.repeat(codes.ravel(), counts.ravel()) for codes in (rows, columns)]
    return float(adjusted_rand_score(*pairs)), float(v_measure_score(*pairs))
