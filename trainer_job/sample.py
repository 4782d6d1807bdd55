"""Which episodes a model keeps as examples."""

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
    chosen: dict[int, list[int]] = {}
    pairs = zip(clustering.modes, manifest.episodes, strict=True)
    for mode, episode in sorted(pairs, key=lambda pair: (pair[1].readings, pair[1].id)):
        some = chosen.setdefault(int(mode), [])
        if len(some) < EPISODES_A_MODE:
            some.append(episode.id)
    return tuple(sorted(episode for some in chosen.values() for episode in some))
