"""How large a status gets: far below what etcd takes, whatever pods and servers say.

The words of others are cut here alone, at their end and by bytes of UTF-8.
"""

from typing import TypeVar

from trainer_job.contract import Decision, Progress
from trainer_operator.models import Condition, TrainingRunStatus

MESSAGE = 4096
"""Bytes of a run's message: it may end with the last lines of a log."""
SENTENCE = 1024
"""Bytes of a condition's message, of a decision's and of progress."""
_MORE = "…"

T = TypeVar("T", Decision, Progress, Condition)


def bounded(status: TrainingRunStatus) -> TrainingRunStatus:
    """Return the status with its sentences cut to their bounds."""
    return status.model_copy(
        update={
            "message": status.message and cut(status.message, MESSAGE),
            "decision": status.decision and _short(status.decision),
            "progress": status.progress and _short(status.progress),
            "conditions": tuple(_short(each) for each in status.conditions),
        }
    )


def _short(said: T) -> T:
    return said.model_copy(update={"message": cut(said.message, SENTENCE)})


def cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` bytes; one that was cut ends with an ellipsis."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit:
        return text
    keep = limit - len(_MORE.encode())
    return encoded[:keep].decode(errors="ignore") + _MORE
