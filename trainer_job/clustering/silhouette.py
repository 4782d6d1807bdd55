"""How well clusters are apart: the silhouette, within bounds of memory and time."""

import numpy as np
import numpy.typing as npt
from sklearn import config_context
from sklearn.metrics import silhouette_samples

Floats = npt.NDArray[np.float64]
Modes = npt.NDArray[np.int64]

SAMPLE = 10_000
"""Episodes beyond this are sampled: the silhouette compares each with each."""

WORKING_MEMORY = 64
"""MiB for the distances at any one time."""


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
    with config_context(working_memory=WORKING_MEMORY):
        return np.asarray(silhouette_samples(space, modes))


def mean(space: Floats, modes: Modes, seed: int) -> float | None:
    """Return the mean of :func:`of_episodes`."""
    values = of_episodes(space, modes, seed)
    return None if values is None else float(values.mean())
