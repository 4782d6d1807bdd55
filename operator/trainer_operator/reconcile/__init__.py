"""Decisions: what is observed and the time in, a plan out. No kopf, no client, no clock."""

from trainer_operator.reconcile.decide import decide
from trainer_operator.reconcile.plan import (
    Action,
    CreateJob,
    DeleteJob,
    DeleteRun,
    Hold,
    LetGo,
    PatchDeployment,
    Plan,
    ReadAgain,
    StopJob,
    SuspendJob,
)

__all__ = [
    "Action",
    "CreateJob",
    "DeleteJob",
    "DeleteRun",
    "Hold",
    "LetGo",
    "PatchDeployment",
    "Plan",
    "ReadAgain",
    "StopJob",
    "SuspendJob",
    "decide",
]
