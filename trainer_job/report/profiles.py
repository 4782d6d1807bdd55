"""Profiles of the modes: what predictors and the database keep of them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trainer_job.clustering import Clustering
from trainer_job.report.effects import effects

DISTINCTIVE = 5
"""Features named as distinctive of a mode."""


def profiles(
    features: pd.DataFrame, clustering: Clustering, names: Mapping[int, str]
) -> dict[str, Any]:
    """Describe each mode.

    Parameters
    ----------
    features : shape (episodes, features)
        What the clusters were fitted on.
    clustering
        The fit.
    names
        Mode → label, where a label is known.

    Returns
    -------
    dict
        Number of the mode, as a string → ``label`` (or None), ``size`` (episodes),
        ``all_features`` (feature → its mean over the mode, in the order of the columns:
        predictors take the features' names from here) and ``distinctive_features`` (feature →
        how many standard deviations the mode's mean lies from that of all episodes, the
        largest first). Raw means would name whatever is measured in the largest unit.
    """
    level = effects(features, clustering.modes).level
    described = {}
    for mode in sorted({int(mode) for mode in clustering.modes}):
        members = features[clustering.modes == mode]
        deviations = level[mode]
        order = deviations.abs().sort_values(ascending=False, kind="stable").index
        described[str(mode)] = {
            "label": names.get(mode),
            "size": len(members),
            "distinctive_features": {name: float(deviations[name]) for name in order[:DISTINCTIVE]},
            "all_features": {str(name): float(value) for name, value in members.mean().items()},
        }
    return described
