"""Scaler and clusters, fitted on the feature table, and what they say of the episodes."""

from trainer_job.assignment import scaled
from trainer_job.clustering.fitting import Clustering, fit

__all__ = ["Clustering", "fit", "scaled"]
