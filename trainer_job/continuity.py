"""Which failure mode of a new model is which of the model before it.

Both models say what the same recent episodes are. A mode goes on where most of its episodes do:
centroids alone would follow a drifting sensor to the wrong mode.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Modes = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SAME = 0.5
"""Jaccard overlap from which two modes are the same: no mode shares more than half of all that
it and another hold with two others at once."""

FEWEST_EPISODES = 5
"""Recent episodes of a mode below which it cannot be lost: it just did not occur."""


@dataclass(frozen=True)
class Continuity:
    """What became of the modes of the model before.

    Attributes
    ----------
    matches : length (new clusters)
        Ledger id of the mode that the cluster goes on with, None for a new mode.
    lost, split, merged
        Ids of modes with at least `FEWEST_EPISODES` recent episodes that no cluster goes on with:
        most of the episodes lie in several clusters that are parts of the mode (split), in one
        that holds more than this mode (merged), or neither (lost).
    dormant
        Ids of modes with fewer recent episodes that no cluster goes on with.
    episodes
        Id → its number of recent episodes, by the model before.
    """

    matches: tuple[int | None, ...]
    lost: tuple[int, ...]
    split: tuple[int, ...]
    merged: tuple[int, ...]
    dormant: tuple[int, ...]
    episodes: dict[int, int]


def follow(
    old: Modes,
    new: Modes,
    ids: Sequence[int],
    clusters: int,
    distances: Floats | None = None,
) -> Continuity:
    """Find the modes that go on, by the overlap of their episodes.

    Parameters
    ----------
    old, new : shape (episodes,)
        Clusters of the same recent episodes by the model before and by the new one.
    ids : length (old clusters)
        Ledger id of each cluster of the model before.
    clusters
        Number of clusters of the new model.
    distances : shape (old clusters, new clusters)
        Between the centroids, in one space. They decide only between overlaps that are equal.

    Returns
    -------
    Continuity
        The matching of the largest total Jaccard overlap (Hungarian method, Kuhn 1955) of modes
        that overlap by `SAME` at least.
    """
    counts = np.zeros((len(ids), clusters), dtype=np.int64)
    np.add.at(counts, (old, new), 1)
    sizes = counts.sum(axis=1)
    union = sizes[:, None] + counts.sum(axis=0) - counts
    overlap = np.divide(counts, union, out=np.zeros(counts.shape), where=union > 0)
    # Of two overlaps that are both SAME the modes are halves of each other, and no other overlap
    # competes: an amount too small to outweigh any difference is enough to break the tie.
    benefit = np.where(
        overlap >= SAME, overlap + 1e-9 * _preference(ids, new, distances, counts), 0
    )
    rows, columns = linear_sum_assignment(benefit, maximize=True)
    pairs = {int(c): int(r) for r, c in zip(rows, columns, strict=True) if benefit[r, c] > 0}
    matches = tuple(ids[pairs[c]] if c in pairs else None for c in range(clusters))
    gone = {
        mode: _fate(counts[row], counts.sum(axis=0))
        for row, mode in enumerate(ids)
        if row not in pairs.values() and not (overlap[row] >= SAME).any()
    }

    def those(fate: str) -> tuple[int, ...]:
        return tuple(sorted(mode for mode, found in gone.items() if found == fate))

    return Continuity(
        matches=matches,
        lost=those("lost"),
        split=those("split"),
        merged=those("merged"),
        dormant=those("dormant"),
        episodes=dict(zip(ids, sizes.tolist(), strict=True)),
    )


def counted(old: Modes, unlike: Mask) -> Mask:
    """Return which episodes count as those of their modes, shape (episodes,).

    A model gives every episode to the nearest of its modes. One that it calls unlike any of them
    is not of that mode: a mode that it never knew, of more episodes than the nearest one, would
    take that one's number. Where fewer than `FEWEST_EPISODES` are left of a mode, all of it
    count: a sensor that drifts takes the whole mode along.

    Parameters
    ----------
    old : shape (episodes,)
        Their modes by the model before.
    unlike : shape (episodes,)
        Whether that model calls them unlike any mode.
    """
    like = np.bincount(old[~unlike], minlength=old.max(initial=0) + 1)
    return np.asarray(~unlike | (like[old] < FEWEST_EPISODES))


def assign_ids(matches: Sequence[int | None], next_id: int) -> tuple[tuple[int, ...], int]:
    """Give every cluster an id: the one that it goes on with, or one that was never used.

    Parameters
    ----------
    matches
        `Continuity.matches`; all None for the first model of a registered name.
    next_id
        The first id of the ledger that was never given.

    Returns
    -------
    ids, next_id
        Of the clusters, and the first id that is free now.

    Raises
    ------
    ValueError
        If two clusters go on with the same mode, or one with a mode that was never there.
    """
    known = [match for match in matches if match is not None]
    if len(set(known)) < len(known) or any(match >= next_id for match in known):
        msg = f"the modes {known} are not distinct ids below {next_id}"
        raise ValueError(msg)
    ids = []
    for match in matches:
        ids.append(next_id if match is None else match)
        next_id += match is None
    return tuple(ids), next_id


def _fate(inside: Counts, sizes: Counts) -> str:
    """Tell what became of a mode, of which `inside` lie in clusters of these sizes."""
    total = inside.sum()
    if total < FEWEST_EPISODES:
        return "dormant"
    parts = inside[2 * inside > sizes]  # clusters that mostly hold this mode
    if len(parts) > 1 and 2 * parts.sum() >= total:
        return "split"
    return "merged" if 2 * inside.max() >= total else "lost"


def _preference(ids: Sequence[int], new: Modes, distances: Floats | None, counts: Counts) -> Floats:
    """Return what breaks ties, shape (old clusters, new clusters), each value once in (0, 1].

    The nearest centroids first, then the oldest mode, then the cluster of the earliest episode:
    none of these depends on how clusters are numbered.
    """
    rows, columns = np.indices(counts.shape)
    firsts = [
        int(np.argmax(new == c)) if (new == c).any() else len(new) for c in range(counts.shape[1])
    ]
    gaps = np.zeros(counts.shape) if distances is None else np.asarray(distances)
    keys = (np.asarray(firsts)[columns].ravel(), np.asarray(ids)[rows].ravel(), gaps.ravel())
    ranks = np.empty(counts.size)
    ranks[np.lexsort(keys)] = np.arange(counts.size, 0, -1) / counts.size
    return ranks.reshape(counts.shape)
