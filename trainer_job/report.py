"""What a model found, for people and for the predictors that read it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from trainer_job.clustering import Clustering

DISTINCTIVE = 5
"""Features named as distinctive of a cluster."""


def profiles(
    features: pd.DataFrame, clustering: Clustering, names: Mapping[int, str]
) -> dict[str, Any]:
    """Describe each cluster.

    Parameters
    ----------
    features : shape (episodes, features)
        What the clusters were fitted on.
    clustering
        The fit.
    names
        Cluster → label, where a label is known.

    Returns
    -------
    dict
        Number of the cluster, as a string → ``label`` (or None), ``size`` (episodes),
        ``all_features`` (feature → its mean over the cluster, in the order of the columns:
        predictors take the features' names from here) and ``distinctive_features`` (feature →
        how many standard deviations the cluster's mean lies from that of all episodes, the
        largest first). Raw means would name whatever is measured in the largest unit.
    """
    scaler = clustering.pipeline.named_steps["scaler"]
    described = {}
    for mode in range(clustering.pipeline.named_steps["kmeans"].n_clusters):
        members = features[clustering.modes == mode]
        mean = members.mean()
        deviations = pd.Series(scaler.transform(mean.to_frame().T)[0], index=features.columns)
        order = deviations.abs().sort_values(ascending=False, kind="stable").index
        described[str(mode)] = {
            "label": names.get(mode),
            "size": len(members),
            "distinctive_features": {name: float(deviations[name]) for name in order[:DISTINCTIVE]},
            "all_features": {str(name): float(value) for name, value in mean.items()},
        }
    return described


def markdown(profiles: Mapping[str, Any], facts: Mapping[str, object]) -> str:
    """Return the report of a model as Markdown: its facts, then a table of its clusters."""
    lines = ["# Failure modes", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items() if value is not None]
    lines += [
        "",
        "Distinctive features: distance of the cluster's mean from that of all episodes, in "
        "standard deviations.",
        "",
        "| mode | label | episodes | distinctive features |",
        "|---|---|---|---|",
    ]
    for mode, profile in profiles.items():
        distinctive = ", ".join(
            f"{name} {deviation:+.1f}"
            for name, deviation in profile["distinctive_features"].items()
        )
        label = profile["label"] or "unknown"
        lines.append(f"| {mode} | {label} | {profile['size']} | {distinctive} |")
    return "\n".join(lines) + "\n"
