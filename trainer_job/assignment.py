"""Which failure mode an episode belongs to, and how far it lies from the mode's centre.

Shipped inside each model beside :mod:`trainer_job.features`: numpy, pandas and the methods of a
fitted scikit-learn pipeline, nothing else.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Table = pd.DataFrame | npt.NDArray[np.float64]
"""Features of episodes, with their names or without."""


def scaled(pipeline: Any, features: Table) -> npt.NDArray[np.float64]:
    """Return the features as the last step of the pipeline sees them.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Steps that transform, then the one that clusters.
    features : shape (episodes, features)
        With the columns that the pipeline was fitted on.

    Returns
    -------
    ndarray, shape (episodes, dimensions)
        Standardised features, or their principal components where the pipeline makes them.
    """
    return np.asarray(pipeline[:-1].transform(features), dtype="float64")


def centres(pipeline: Any) -> npt.NDArray[np.float64]:
    """Return the centres of the modes in the space of :func:`scaled`: (modes, dimensions)."""
    last = pipeline[-1]
    # A mixture calls them means.
    found = last.cluster_centers_ if hasattr(last, "cluster_centers_") else last.means_
    return np.asarray(found, dtype="float64")


def assign(pipeline: Any, features: Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Find the mode of each episode.

    Returns
    -------
    modes : shape (episodes,)
        As the pipeline's last step predicts them. For a mixture it is the likeliest, which need
        not be the one whose centre is nearest.
    distances : shape (episodes,)
        Euclidean, in the space of :func:`scaled`, to the centre of that mode.
    """
    space = scaled(pipeline, features)
    modes = np.asarray(pipeline[-1].predict(space), dtype=np.int64)
    return modes, np.linalg.norm(space - centres(pipeline)[modes], axis=1)
