"""The Kubernetes Events that tell of a run's transitions: shown by ``kubectl describe``."""

import uuid
from datetime import datetime
from typing import Any

from trainer_operator import constants
from trainer_operator.models import Phase, TrainingRun, TrainingRunStatus

_LIMIT = 1024
"""Longest note that the API server takes."""


def transition(
    run: TrainingRun, status: TrainingRunStatus, reason: str | None, now: datetime
) -> dict[str, Any] | None:
    """Return the Event for a change of the phase, None where there is none.

    Parameters
    ----------
    run
        The run as it was read.
    status
        What was written since.
    reason
        Why it is so.
    now
        The time, with its zone.
    """
    if status.phase == run.status.phase:
        return None
    return _event(run, status, reason or str(status.phase), now)


def _event(
    run: TrainingRun, status: TrainingRunStatus, reason: str, now: datetime
) -> dict[str, Any]:
    time = now.isoformat().replace("+00:00", "Z")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{run.name[:200].rstrip('-.')}.{uuid.uuid4().hex[:16]}",
            "namespace": run.namespace,
        },
        "involvedObject": {
            "apiVersion": constants.API_VERSION,
            "kind": constants.KIND,
            "name": run.name,
            "namespace": run.namespace,
            "uid": run.uid,
        },
        "type": "Warning" if status.phase is Phase.FAILED else "Normal",
        "reason": reason,
        "message": f"{status.phase}: {status.message or ''}"[:_LIMIT],
        "source": {"component": constants.MANAGER},
        "reportingComponent": constants.MANAGER,
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }
