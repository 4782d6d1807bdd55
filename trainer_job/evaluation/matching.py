"""How well clusters match known labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment

Modes = Sequence[int] | npt.NDArray[np.int64]
Labels = Sequence[str | None] | npt.NDArray[np.object_]
Counts = npt.NDArray[Any]


@dataclass(frozen=True)
class LabelMatch:
    """Clusters matched to labels one to one, and the macro F1 that results.

    Attributes
    ----------
    f1
        Mean over the labels of 2·tp / (2·tp + fp + fn).
    best_possible
        The most that any clustering with this number of clusters could reach: below one only
        where there are fewer clusters than labels.
    names
        Cluster → label, for the matched ones; a match in which no episode agrees is none.
    labels, episodes
        Number of distinct labels, and of labelled episodes.
    """

    f1: float
    best_possible: float
    names: dict[int, str]
    labels: int
    episodes: int


def match(modes: Modes, labels: Labels, clusters: int) -> LabelMatch | None:
    """Match clusters to labels so that most episodes agree (Hungarian method, Kuhn 1955).

    Episodes without a label are left out. Episodes in clusters that match no label count as
    wrong, and so do those whose label matches no cluster.

    Returns
    -------
    LabelMatch or None
        None where no episode has a label.
    """
    table = contingency(modes, labels, clusters)
    if table.empty:
        return None
    counts = table.to_numpy()
    rows, columns = linear_sum_assignment(counts, maximize=True)
    names = {int(c): table.index[r] for r, c in zip(rows, columns, strict=True) if counts[r, c]}
    sizes = dict(zip(table.index, counts.sum(axis=1).tolist(), strict=True))
    return LabelMatch(
        f1=macro_f1(table, names),
        best_possible=best_possible_f1(Counter(sizes), clusters),
        names=names,
        labels=len(table),
        episodes=int(counts.sum()),
    )


def contingency(modes: Modes, labels: Labels, clusters: int) -> pd.DataFrame:
    """Count the labelled episodes.

    Returns
    -------
    DataFrame, shape (labels, clusters)
        Indexed by label in their order, with a column for every cluster.
    """
    given = np.array([label is not None for label in labels], dtype=bool)
    names, codes = np.unique(
        np.asarray(labels, dtype=object)[given].astype(str), return_inverse=True
    )
    counts = np.zeros((len(names), clusters), dtype=np.int64)
    np.add.at(counts, (codes, np.asarray(modes, dtype=np.int64)[given]), 1)
    return pd.DataFrame(counts, index=pd.Index([str(name) for name in names], dtype=object))


def macro_f1(table: pd.DataFrame, names: Mapping[int, str]) -> float:
    """Return the macro F1 of clusters that are called by these names.

    Parameters
    ----------
    table : shape (labels, clusters)
        :func:`contingency` of the episodes that are scored.
    names
        Cluster → label; episodes of other clusters are given none.
    """
    counts = table.to_numpy()
    called = [names.get(cluster) for cluster in range(counts.shape[1])]
    agrees = np.array([[name == label for name in called] for label in table.index])
    hits, given = (counts * agrees).sum(axis=1), agrees @ counts.sum(axis=0)
    return float(f1_by_label(hits, counts.sum(axis=1), given).mean())


def f1_by_label(hits: Counts, true: Counts, given: Counts) -> npt.NDArray[np.float64]:
    """Return 2·tp / (2·tp + fp + fn), NaN for a label that no episode has or is given.

    Parameters
    ----------
    hits, true, given : shape (..., labels)
        Episodes that have the label and are given it, that have it, that are given it.
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * hits / (true + given), dtype="float64")


def best_possible_f1(counts: Counter[str], clusters: int) -> float:
    """Return the highest macro F1 that `clusters` clusters can reach on labels of these sizes.

    With fewer clusters than labels, the best is to give up the smallest labels and to put all
    their episodes u into the cluster of the largest, n: that one scores 2n / (2n + u), the
    other matched ones 1, the given-up ones 0. (2n / (2n + u) is convex in u, so that spreading
    them over several clusters costs more.)
    """
    sizes = sorted(counts.values(), reverse=True)
    if clusters >= len(sizes):
        return 1.0
    lost = sum(sizes[clusters:])
    return (clusters - 1 + 2 * sizes[0] / (2 * sizes[0] + lost)) / len(sizes)
