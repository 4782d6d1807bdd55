"""What training hands to the registry: the fitted model and all that describes it."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from trainer_job.clustering import Clustering
from trainer_job.contract import DataSummary
from trainer_job.evaluation import LabelMatch


@dataclass(frozen=True)
class TrainedModel:
    """A model that was fitted and judged, and is not registered yet.

    Attributes
    ----------
    sensors, feature_set
        What a predictor needs to compute the features.
    features : shape (episodes, features)
        Indexed by episode id.
    clustering
        The fitted pipeline, and the mode of each episode in the order of `features`.
    match
        Clusters matched to labels; None where no episode has one.
    profiles
        :func:`trainer_job.report.profiles` of this model.
    sample
        Readings of a few episodes, of every mode where possible: columns ``episode`` (string),
        ``timestamp`` (ISO 8601) and one a sensor. They become the golden episodes, which a
        predictor must answer rightly before it counts as proven, and the input example.
    data
        What was read.
    lookback_hours
        Length of the window.
    """

    sensors: tuple[str, ...]
    feature_set: str
    features: pd.DataFrame
    clustering: Clustering
    match: LabelMatch | None
    profiles: dict[str, Any]
    sample: pd.DataFrame
    data: DataSummary
    lookback_hours: float
