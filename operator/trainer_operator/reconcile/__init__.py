"""Decisions: what is observed and the time in, a plan out. No kopf, no client, no clock."""

from trainer_operator.reconcile.decide import decide
from trainer_operator.reconcile.plan import Action, CreateJob, PatchDeployment, Plan, StopJob

__all__ = ["Action", "CreateJob", "PatchDeployment", "Plan", "StopJob", "decide"]
