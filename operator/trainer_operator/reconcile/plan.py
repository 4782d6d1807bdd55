"""What a decision consists of: the status to be written, and at most one action after it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trainer_job.contract import Decision, Failure
from trainer_operator.models import Phase, TrainingRunStatus


@dataclass(frozen=True)
class CreateJob:
    """Create a Job; one of that name is left as it is, and looked at."""

    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the Job's name."""
        return str(self.manifest["metadata"]["name"])


@dataclass(frozen=True)
class StopJob:
    """Suspend a Job for good, with the reason written on it.

    The Job carries the reason, so that an operator that dies in between finds it again.
    """

    name: str
    why: Failure


@dataclass(frozen=True)
class PatchDeployment:
    """Patch the predictor's Deployment; the body holds the preconditions."""

    name: str
    body: dict[str, Any]

    @property
    def applies(self) -> bool:
        """Say whether it is a server-side apply, and not a merge patch."""
        return "apiVersion" in self.body


Action = CreateJob | StopJob | PatchDeployment


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
    """

    status: TrainingRunStatus
    reason: str | None
    action: Action | None = None


def going_on(
    status: TrainingRunStatus, phase: Phase, why: Failure, action: Action | None = None
) -> Plan:
    """Return the plan of a run that is not finished."""
    changed = status.model_copy(update={"phase": phase, "message": why.message})
    return Plan(changed, why.reason, action)


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
