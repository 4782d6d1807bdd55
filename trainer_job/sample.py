"""Which episodes a model keeps as examples."""

import numpy as np

from trainer_job.clustering import Clustering
from trainer_job.episodes import Manifest

EPISODES_A_MODE = 2


def representatives(clustering: Clustering, manifest: Manifest) -> tuple[int, ...]:
    """Return a few episodes of every mode: those with the fewest readings.

    Parameters
    ----------
    clustering
        Whose modes are in the order of the manifest.
    manifest
        The episodes that were clustered.
    """
    order = np.lexsort((manifest.ids, manifest.readings))
    chosen = [
        manifest.ids[order[clustering.modes[order] == mode][:EPISODES_A_MODE]]
        for mode in np.unique(clustering.modes)
    ]
    return tuple(sorted(int(episode) for some in chosen for episode in some))
