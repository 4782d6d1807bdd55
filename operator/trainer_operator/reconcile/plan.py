"""What a decision consists of: the status to be written, and at most one action after it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trainer_job.contract import Decision, Failure
from trainer_operator import constants
from trainer_operator.models import Phase, TrainingRunStatus


@dataclass(frozen=True)
class CreateJob:
    """Create a Job; one of that name is left as it is, and looked at."""

    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the Job's name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def task(self) -> str:
        """Return what it does: train, check, promote or recall."""
        return str(self.manifest["metadata"]["labels"][constants.TASK])


@dataclass(frozen=True)
class StopJob:
    """Suspend a Job for good, with the reason written on it.

    The Job carries the reason, so that an operator that dies in between finds it again.
    """

    name: str
    resource_version: str
    why: Failure


@dataclass(frozen=True)
class SuspendJob:
    """Suspend a Job, so that it ends its pods, or resume it."""

    name: str
    resource_version: str
    on: bool


@dataclass(frozen=True)
class DeleteJob:
    """Delete this very Job with its pods, in the background."""

    name: str
    uid: str


@dataclass(frozen=True)
class PatchDeployment:
    """Patch the predictor's Deployment; the body holds the preconditions."""

    name: str
    body: dict[str, Any]

    @property
    def applies(self) -> bool:
        """Say whether it is a server-side apply, and not a merge patch."""
        return "apiVersion" in self.body


@dataclass(frozen=True)
class Hold:
    """Put the finalizer on the run, as it was read: its rollout is settled before it is gone."""


@dataclass(frozen=True)
class LetGo:
    """Take the finalizer off the run."""


@dataclass(frozen=True)
class DeleteRun:
    """Delete the run, this one and as it was read; its Jobs go with it."""


@dataclass(frozen=True)
class ReadAgain:
    """Read the run's Jobs and pods from the API server and decide anew: nothing is written."""


Action = (
    CreateJob
    | StopJob
    | SuspendJob
    | DeleteJob
    | PatchDeployment
    | Hold
    | LetGo
    | DeleteRun
    | ReadAgain
)


@dataclass(frozen=True)
class Plan:
    """The status to be written if it differs, then the action, then another look.

    Parameters
    ----------
    status
        Without its conditions: they follow from it and from `reason`.
    reason
        Why it is so, for the conditions; None where nothing is known anew and they stay.
    action
        Done after the status was written; the run is looked at again at once.
    again
        After how long the time alone may change the decision; None: only an event can.
    """

    status: TrainingRunStatus
    reason: str | None
    action: Action | None = None
    again: timedelta | None = None


def going_on(
    status: TrainingRunStatus,
    phase: Phase,
    why: Failure,
    action: Action | None = None,
    again: timedelta | None = None,
) -> Plan:
    """Return the plan of a run that is not finished."""
    changed = status.model_copy(update={"phase": phase, "message": why.message})
    return Plan(changed, why.reason, action, again)


def failed(status: TrainingRunStatus, why: Failure, now: datetime) -> Plan:
    """Return the plan that ends a run without a decision, or with one that came to nothing."""
    return Plan(_ended(status, Phase.FAILED, why.message, now), why.reason)


def succeeded(status: TrainingRunStatus, decision: Decision, now: datetime) -> Plan:
    """Return the plan that ends a run with its decision."""
    decided = status.model_copy(update={"decision": decision})
    return Plan(_ended(decided, Phase.SUCCEEDED, decision.message, now), decision.reason)


def _ended(
    status: TrainingRunStatus, phase: Phase, message: str, now: datetime
) -> TrainingRunStatus:
    return status.model_copy(
        update={"phase": phase, "message": message, "completion_time": now, "progress": None}
    )
