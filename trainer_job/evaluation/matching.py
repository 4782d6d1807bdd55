"""How well clusters match known labels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment


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


def match(modes: Sequence[int], labels: Sequence[str | None], clusters: int) -> LabelMatch | None:
    """Match clusters to labels so that most episodes agree (Hungarian method, Kuhn 1955).

    Episodes without a label are left out. Episodes in clusters that match no label count as
    wrong, and so do those whose label matches no cluster.

    Returns
    -------
    LabelMatch or None
        None where no episode has a label.
    """
    pairs = [(m, label) for m, label in zip(modes, labels, strict=True) if label is not None]
    if not pairs:
        return None
    names = sorted({label for _, label in pairs})
    table = np.zeros((len(names), clusters), dtype=np.int64)
    for mode, label in pairs:
        table[names.index(label), mode] += 1
    rows, columns = linear_sum_assignment(table, maximize=True)
    scores = [
        2 * table[row, column] / (table[row].sum() + table[:, column].sum())
        for row, column in zip(rows, columns, strict=True)
    ]
    return LabelMatch(
        f1=float(sum(scores) / len(names)),
        best_possible=best_possible_f1(Counter(label for _, label in pairs), clusters),
        names={int(c): names[r] for r, c in zip(rows, columns, strict=True) if table[r, c]},
        labels=len(names),
        episodes=len(pairs),
    )


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
