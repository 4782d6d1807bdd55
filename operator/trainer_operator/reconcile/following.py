"""What the state of a run's Job means, for the train Job and the promote Job alike."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trainer_job.contract import Failure, Result, format_duration
from trainer_operator import constants, reasons
from trainer_operator.models import TrainingRun
from trainer_operator.observed import Job, Pod, Refusal
from trainer_operator.reconcile import causes, lost
from trainer_operator.reconcile.plan import Action, CreateJob, DeleteJob, StopJob, SuspendJob
from trainer_operator.reconcile.results import progress_of, result_of

_LAST_WORDS = timedelta(seconds=90)
"""How long a pod that was told to end is waited for: its grace period, and a minute."""


@dataclass(frozen=True)
class Limits:
    """How long a Job may take to begin, and which field bounds the whole of it."""

    since: datetime
    start: timedelta
    deadline_field: str
    """Empty where none does."""


@dataclass(frozen=True)
class Step:
    """One of: a decision, a failure, or the reason why it goes on (None: nothing new)."""

    result: Result | None = None
    failure: Failure | None = None
    why: Failure | None = None
    action: Action | None = None
    again: timedelta | None = None
    """When the time alone may change it, if not at the usual pace."""


def follow(
    run: TrainingRun,
    job: Job | None,
    manifest: dict[str, Any],
    refused: Refusal | None,
    limits: Limits,
    now: datetime,
) -> Step:
    """Return what a Job has come to; one that is missing is created, also after a deletion.

    That is safe: the job's own record makes another attempt find what an earlier one did.
    """
    create = CreateJob(manifest)
    if job is None:
        return _missing(create, refused, limits, now)
    if job.owner != run.uid:
        return Step(failure=reasons.JOB_NAME_TAKEN.because(job=job.name))
    if job.stopped:
        return Step(failure=job.stopped)
    if job.ended:
        return _ended(run, job, create, limits, now)
    if job.suspended and not job.deleting:
        return _suspended(job)
    return _underway(run, job, limits, now)


def _finishing(job: Job, now: datetime) -> bool:
    """Say whether a failed Job's pod still runs: it may have committed, and its answer counts."""
    since = job.failing_since
    running = any(pod.phase == "Running" and pod.terminated is None for pod in job.pods)
    return running and since is not None and now - since < _LAST_WORDS


def _ended(run: TrainingRun, job: Job, create: CreateJob, limits: Limits, now: datetime) -> Step:
    if _finishing(job, now):
        return Step(why=reasons.FINISHING.because(job=job.name))
    result = result_of(job, run.uid)
    if result and result.decision:
        return Step(result=result)
    if job.complete and not job.pods and create.task != constants.TRAIN:
        # It succeeded and its pod is gone. What only looks, or finds what it did, is asked anew.
        action = None if job.deleting else DeleteJob(job.name, job.uid)
        return Step(why=reasons.JOB_ENDING.because(job=job.name), action=action)
    why = causes.job_failure(job, run.uid, run.status, limits.deadline_field)
    return Step(failure=why)


def _missing(create: CreateJob, refused: Refusal | None, limits: Limits, now: datetime) -> Step:
    if refused is None:
        return Step(action=create)
    details = {"job": create.name, "cause": reasons.sentence(refused.message)}
    if refused.for_good or now - limits.since >= limits.start:
        named = causes.refusal(refused.message, f"the Job {create.name}")
        return Step(failure=named or reasons.JOB_REFUSED.because(**details))
    limit = format_duration(limits.start)
    return Step(why=reasons.REFUSED_SO_FAR.because(limit=limit, **details))


def _underway(run: TrainingRun, job: Job, limits: Limits, now: datetime) -> Step:
    if job.deleting:
        return Step(why=reasons.JOB_ENDING.because(job=job.name))
    if pod := lost.lost_pod(job, now):
        return _lost(run, job, pod)
    if slow := causes.not_starting(job, now, limits.start):
        why, too_long = slow
        if too_long:
            return _stopping(job, why)
        return Step(why=why)
    last = job.pods[-1] if job.pods else None
    if last and last.terminated and last.terminated.exit_code:
        return Step(why=_retrying(run, job))
    return Step(why=_running(job, last))


def _suspended(job: Job) -> Step:
    """Return how a Job goes on that has no pods: nobody holds its run, so Kueue does or we did."""
    if job.queue:
        return Step(why=reasons.QUEUED_BY_KUEUE.because(job=job.name, queue=job.queue))
    resume = SuspendJob(job.name, job.resource_version, on=False)
    return Step(why=reasons.RESUMING.because(job=job.name), action=resume)


def _lost(run: TrainingRun, job: Job, pod: Pod) -> Step:
    """Return what becomes of a Job that waits for a pod whose node does not answer."""
    attempts = job.before + max(job.attempts, 1)
    details = {"pod": pod.name, "node": pod.node or "(none)", "attempts": attempts}
    delete = DeleteJob(job.name, job.uid)  # its controller would make no other pod
    if attempts > run.spec.retry.limit:
        return Step(failure=reasons.NODE_LOST.because(**details), action=delete)
    return Step(why=reasons.POD_LOST_RETRYING.because(job=job.name, **details), action=delete)


def _stopping(job: Job, why: Failure) -> Step:
    if job.queue:  # Kueue's to suspend: the run ends first, and its Job goes after it
        return Step(failure=why, action=DeleteJob(job.name, job.uid))
    stopping = reasons.STOPPING.because(cause=why.message)
    return Step(why=stopping, action=StopJob(job.name, job.resource_version, why))


def _running(job: Job, last: Pod | None) -> Failure:
    if progress := progress_of(job):
        what = f"{progress.stage}: {progress.message}" if progress.message else progress.stage
        return reasons.RUNNING.because(what=f"{what} ({progress.percent} %)")
    if last and last.phase == "Running":
        return reasons.RUNNING.because(what=f"The pod {last.name} runs")
    return reasons.STARTING.because(job=job.name)


def _retrying(run: TrainingRun, job: Job) -> Failure:
    result = result_of(job, run.uid)
    failure = result.failure if result else None
    failure = failure or causes.pod_failure(job.pods[-1], run.status.effective)
    return reasons.RETRYING.because(
        attempts=job.attempts, job=job.name, cause=failure.message if failure else ""
    )
