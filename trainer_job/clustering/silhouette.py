"""How well clusters are apart: the silhouette, within bounds of memory and time."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Modes = npt.NDArray[np.int64]

SAMPLE = 10_000
"""Episodes beyond this are sampled: the silhouette compares each with each."""

DISTANCES = 500_000
"""Distances in memory at any one time."""


def of_episodes(space: Floats, modes: Modes, seed: int) -> Floats | None:
    """Return the silhouette of each episode (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7).

    Parameters
    ----------
    space : shape (episodes, dimensions)
        Where the clusters were found.
    modes : shape (episodes,)
        The cluster of each.
    seed
        Chooses the episodes beyond `SAMPLE`.

    Returns
    -------
    ndarray or None
        Of all episodes, or of a sample that holds one of every cluster at least; None where it
        is undefined: one cluster, or as many as episodes.
    """
    if not 2 <= len(np.unique(modes)) < len(modes):
        return None
    if len(modes) > SAMPLE:
        sample = np.random.default_rng(seed).choice(len(modes), SAMPLE, replace=False)
        # One of each cluster, or a sample without the smallest might hold no two to compare.
        sample = np.union1d(sample, np.unique(modes, return_index=True)[1])
        space, modes = space[sample], modes[sample]
    return _silhouettes(space, np.unique(modes, return_inverse=True)[1])


def mean(space: Floats, modes: Modes, seed: int) -> float | None:
    """Return the mean of :func:`of_episodes`."""
    values = of_episodes(space, modes, seed)
    return None if values is None else float(values.mean())


def _silhouettes(space: Floats, modes: Modes) -> Floats:
    """Return what scikit-learn's function does: by products of matrices, in a third of the time.

    Parameters
    ----------
    space : shape (episodes, dimensions)
        About its centre, as standardised features are: far from it, differences of squares lose
        their digits.
    modes : shape (episodes,)
        From 0 without gaps.
    """
    member = np.eye(modes.max() + 1)[modes]
    squares = np.einsum("ij,ij->i", space, space)
    height = max(DISTANCES // len(space), 1)
    values = []
    for start in range(0, len(space), height):
        part = slice(start, start + height)
        gaps = space[part] @ space.T
        gaps *= -2
        gaps += squares
        gaps += squares[part, np.newaxis]
        np.maximum(gaps, 0, out=gaps)
        gaps[np.arange(len(gaps)), np.arange(start, start + len(gaps))] = 0
        values.append(_compare(np.sqrt(gaps, out=gaps) @ member, modes[part], member.sum(axis=0)))
    return np.concatenate(values)


def _compare(sums: Floats, modes: Modes, sizes: Floats) -> Floats:
    """Return the silhouettes of episodes.

    Parameters
    ----------
    sums : shape (episodes, modes)
        Sum of an episode's distances to the members of each mode.
    modes : shape (episodes,)
    sizes : shape (modes,)
        Number of members.
    """
    rows = np.arange(len(sums))
    own = sums[rows, modes] / np.maximum(sizes[modes] - 1, 1)
    others = sums / sizes
    others[rows, modes] = np.inf
    nearest = others.min(axis=1)
    larger = np.maximum(own, nearest)
    # An only member is as well off as one between two modes, and so are equal episodes.
    counts = (sizes[modes] > 1) & (larger > 0)
    return np.where(counts, (nearest - own) / np.where(larger > 0, larger, 1.0), 0.0)
