"""Why a pod does not start, and why a Job failed: the cause by its name."""

from datetime import datetime, timedelta

from trainer_job.contract import Failure, format_duration
from trainer_operator import reasons
from trainer_operator.models import Effective, TrainingRunStatus
from trainer_operator.observed import Job, Pod, Terminated
from trainer_operator.reasons import sentence
from trainer_operator.reconcile.results import failure_of, last_lines, last_words, result_of
from trainer_operator.resources.bounds import cut

_LOG = 2048
"""Bytes of a log that a message keeps."""

_IMAGE = "See spec.job.image and spec.job.imagePullPolicy."
_REMEDIES = {
    "ErrImagePull": _IMAGE,
    "ImagePullBackOff": _IMAGE,
    "ErrImageNeverPull": _IMAGE,
    "InvalidImageName": _IMAGE,
    "CreateContainerConfigError": "See the Secret that spec.database.secretRef or"
    " spec.tracking.secretRef names.",
    "FailedMount": "See the ConfigMap and its key that spec.reference.configMapRef names.",
    "CreateContainerError": "See spec.job.",
    "RunContainerError": "See spec.job.",
    "Unschedulable": "See spec.job.resources, and what the nodes have free.",
}
"""Reasons that never fail a Job by themselves, however long they last."""

_REFUSALS = {
    "exceeded quota": reasons.QUOTA_EXCEEDED,
    "failed quota": reasons.QUOTA_EXCEEDED,
    "violates PodSecurity": reasons.POD_SECURITY_FORBIDDEN,
    " per Container": reasons.LIMIT_RANGE_FORBIDDEN,
    " per Pod": reasons.LIMIT_RANGE_FORBIDDEN,
}
"""What the API server's own admission says where it refuses an object, by what it goes by here."""

_TERMINATED = "Terminated"
"""The job's own reason for having been asked to end: it hides the real one."""


def told(failure: Failure) -> str:
    """Return a reason with the message that Kubernetes gives for it, as a sentence."""
    return sentence(": ".join(filter(None, (failure.reason, failure.message.strip()))))


def refusal(message: str, what: str) -> Failure | None:
    """Return why the API server refuses an object, None where the cause has no name here.

    Parameters
    ----------
    message
        The API server's.
    what
        The object, for people.
    """
    for words, reason in _REFUSALS.items():
        if words in message:
            return reason.because(what=what, cause=sentence(message))
    return None


def not_starting(job: Job, now: datetime, limit: timedelta) -> tuple[Failure, bool] | None:
    """Return why the newest attempt does not start, and whether that lasts longer than `limit`.

    None where it started, or is merely on its way.
    """
    if job.pods:
        pod, since = job.pods[-1], job.pods[-1].created
        if pod.waiting is None or (remedy := _REMEDIES.get(pod.waiting.reason)) is None:
            return None
        name, cause = pod.name, pod.waiting
    elif job.refused:
        since, name = job.started or job.created, f"of the Job {job.name}"
        cause = Failure(reason="FailedCreate", message=job.refused)
        remedy = "See the namespace's quotas and pod security, and spec.job.resources."
    else:
        return None
    details = {"pod": name, "cause": told(cause), "limit": format_duration(limit)}
    if now - since < limit:
        return reasons.NOT_STARTED_YET.because(**details), False
    named = None if job.pods else refusal(job.refused, f"a pod of the Job {job.name}")
    if named:
        return named, True
    message = reasons.NOT_STARTED.because(remedy=remedy, **details).message
    return Failure(reason=cause.reason, message=message), True


def job_failure(job: Job, uid: str, status: TrainingRunStatus, deadline: str) -> Failure:
    """Return why a Job failed.

    Parameters
    ----------
    job
        One that ended without a decision.
    uid
        Of its run.
    status
        Of its run: how far it had come, and the limits that it ran under.
    deadline
        Field of the spec that bounds it.
    """
    if job.failed and job.failed.reason == "DeadlineExceeded":
        return _deadline(job, uid, status, deadline)
    result = result_of(job, uid)
    failure = result.failure if result else None
    if failure and failure.reason != _TERMINATED:
        return failure
    if job.pods and (why := pod_failure(job.pods[-1], status.effective)):
        return _with_log(why, job.pods[-1])
    ended = told(job.failed) if job.failed else "Complete."
    return failure or reasons.NO_RESULT.because(job=job.name, cause=ended.rstrip("."))


def pod_failure(pod: Pod, effective: Effective | None) -> Failure | None:
    """Return why one attempt failed that left no result."""
    ended = pod.terminated
    if ended and _out_of_memory(ended):
        limit = effective.resources.limits.get("memory", "its node") if effective else "?"
        return reasons.OUT_OF_MEMORY.because(pod=pod.name, limit=limit)
    if pod.evicted:
        return reasons.EVICTED.because(pod=pod.name, cause=told(pod.evicted))
    if pod.lost:
        return reasons.POD_LOST.because(pod=pod.name, cause=sentence(pod.lost))
    if ended and ended.exit_code:
        line = sentence(last_words(pod) if pod.log else ended.reason)
        return reasons.ATTEMPT_FAILED.because(pod=pod.name, code=ended.exit_code, line=line)
    return None


def _with_log(why: Failure, pod: Pod) -> Failure:
    """Return a failure with the end of the pod's log, which is gone with the pod."""
    lines = cut(last_lines(pod), _LOG)
    if not lines:
        return why
    return Failure(reason=why.reason, message=f"{why.message}\nIts log ended:\n{lines}")


def predictor_trouble(pod: Pod) -> str:
    """Return why a predictor's pod is not ready, in its own words."""
    if pod.waiting:
        text = f"pod {pod.name}: {told(pod.waiting)}"
    elif pod.terminated:
        text = f"pod {pod.name} ended with exit code {pod.terminated.exit_code}."
    else:
        text = f"pod {pod.name} is not ready."
    if (pod.crashed or pod.terminated) and pod.log:
        text += f" Its last line: {last_words(pod)}"
    return text


def _deadline(job: Job, uid: str, status: TrainingRunStatus, field: str) -> Failure:
    effective, progress = status.effective, status.progress
    limit = ""
    if effective:
        train = field == "spec.activeDeadline"
        limit = format_duration(effective.active_deadline if train else effective.rollout_timeout)
    failures = [result.failure for pod in job.pods if (result := failure_of(pod, uid))]
    real = [each for each in failures if each and each.reason != _TERMINATED]
    if real:
        last = f"its last failure: {real[-1].message}"
    elif progress:
        last = f"it was last at {progress.stage} ({progress.percent} %)."
    else:
        last = "it told of no progress."
    return reasons.DEADLINE_EXCEEDED.because(job=job.name, limit=limit, field=field, last=last)


def _out_of_memory(ended: Terminated) -> bool:
    # A limit too low for the start itself is reported by runc, in words of its own.
    return ended.reason == "OOMKilled" or "oom-kill" in ended.message.lower()
