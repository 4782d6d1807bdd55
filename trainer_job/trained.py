"""What training hands to the registry: the fitted model and all that describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from trainer_job.clustering import Clustering
from trainer_job.clustering.selection import Selection
from trainer_job.clustering.structure import NullBand
from trainer_job.contract import Comparison, DataSummary
from trainer_job.evaluation import LabelScore, Verdict
from trainer_job.novelty import Novelty


@dataclass(frozen=True)
class TrainedModel:
    """A model that was fitted and judged, and is not registered yet.

    Attributes
    ----------
    sensors, feature_set
        What a predictor needs to compute the features.
    algorithm
        What found the clusters.
    features : shape (episodes, features)
        Indexed by episode id.
    clustering
        The fitted pipeline, and the mode of each episode in the order of `features`.
    labels
        How the clusters agree with what people say; None where nobody does.
    true_labels : length (episodes)
        What people say of each episode; None is no label.
    names
        Cluster → name, where one is known.
    modes : length (clusters)
        Number of each cluster's failure mode in the ledger of the registered name.
    selection
        How the number of clusters was chosen; None where it was given.
    null
        Silhouettes of data without structure; None where there are none.
    novelty
        From which distance on an episode is unlike any known mode; None before it is measured.
    comparison
        How the model did against the champion; None where they were not compared.
    verdicts
        What each gate said.
    quality
        What was read, what of it was left out and why.
    profiles
        :func:`trainer_job.report.profiles` of this model.
    sample
        Readings of a few episodes, of every mode where possible: columns ``episode`` (string),
        ``timestamp`` (ISO 8601) and one a sensor. They become the golden episodes, which a
        predictor must answer rightly before it counts as proven, and the input example.
    holdout
        Which episodes no version of the name is fitted on, as :class:`trainer_job.holdout.Rule`
        writes it; None where all are used.
    data
        What was read.
    lookback_hours
        Length of the window.
    """

    sensors: tuple[str, ...]
    feature_set: str
    algorithm: str
    features: pd.DataFrame
    clustering: Clustering
    labels: LabelScore | None
    profiles: dict[str, Any]
    sample: pd.DataFrame
    data: DataSummary
    lookback_hours: float
    true_labels: tuple[str | None, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    modes: tuple[int, ...] = ()
    selection: Selection | None = None
    null: NullBand | None = None
    novelty: Novelty | None = None
    comparison: Comparison | None = None
    verdicts: tuple[Verdict, ...] = ()
    quality: pd.DataFrame | None = None
    holdout: str | None = None
