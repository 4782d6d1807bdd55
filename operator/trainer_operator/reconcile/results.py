"""What a Job's pods said: the result, and the progress until there is one."""

from dataclasses import replace

from trainer_job.contract import Progress, Result, decode_result, parse_progress
from trainer_operator.observed import Job, Pod

_LINES = 10
_LINE = 200
"""Characters of a line that are kept."""


def result_of(job: Job, uid: str) -> Result | None:
    """Return the decision of any attempt, or else the failure of the last.

    A decision counts whatever came after: it is recorded where the job keeps its records.
    """
    results = [result for pod in reversed(job.pods) if (result := _result(pod, uid))]
    decided = (result for result in results if result.decision)
    return next(decided, None) or next(iter(results), None)


def failure_of(pod: Pod, uid: str) -> Result | None:
    """Return the result of one attempt where it is a failure."""
    result = _result(pod, uid)
    return result if result and result.failure else None


def answered(pod: Pod, uid: str) -> bool:
    """Say whether an attempt left its result where no log is needed to find it."""
    return _result(replace(pod, log=()), uid) is not None


def progress_of(job: Job) -> Progress | None:
    """Return the newest progress in the log of the newest attempt."""
    if not job.pods:
        return None
    lines = reversed(job.pods[-1].log)
    return next((progress for line in lines if (progress := parse_progress(line))), None)


def last_lines(pod: Pod) -> str:
    """Return the last lines of a pod's log but for progress: they outlive the pod in a message."""
    lines = [line.rstrip()[:_LINE] for line in pod.log if not parse_progress(line)]
    return "\n".join([line for line in lines if line.strip()][-_LINES:])


def last_words(pod: Pod) -> str:
    """Return the last line of a pod's log that says something."""
    lines = (line.strip() for line in reversed(pod.log))
    return next((line[:300] for line in lines if line and not parse_progress(line)), "(none)")


def _result(pod: Pod, uid: str) -> Result | None:
    if pod.terminated is None:
        return None
    # The log's last line is the same result, for where the message was lost.
    for text in (pod.terminated.message, *reversed(pod.log[-3:])):
        try:
            result = decode_result(text)
        except ValueError:
            continue
        if result.run == uid:
            return result
    return None
