"""From an admitted run to the train Job's decision."""

from dataclasses import replace
from datetime import datetime, timedelta

from trainer_job.contract import Outcome, Result
from trainer_operator import constants, reasons
from trainer_operator.models import JobStatus, Phase, TrainingRun, TrainingRunStatus
from trainer_operator.observed import Job, Observed
from trainer_operator.reconcile import approval, recall
from trainer_operator.reconcile.following import Limits, Step, follow
from trainer_operator.reconcile.plan import Plan, failed, going_on, succeeded
from trainer_operator.reconcile.results import progress_of
from trainer_operator.resources.jobs import first_task, train_job
from trainer_operator.settings import Settings

_STARTS = 10
"""A pod may take this many times as long to start as a state has to last to be written."""


def train(observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Create the train Job, follow it, and take over what it decided."""
    run, job = observed.run, observed.train
    ours = job is not None and job.owner == run.uid
    status = _seen(run.status, job) if job and ours else run.status
    step = _step(observed, now, settings)
    if step.failure:
        return replace(failed(status, step.failure, now), action=step.action)
    if step.result:
        return _decided(observed, status, step.result, now)
    if step.why is None:
        return Plan(status, None, step.action)
    if job and ours and (left := _settles(run, job, step, now, settings)):
        return Plan(run.status, None, again=left)
    waits = job is None or job.suspended
    phase = Phase.PENDING if waits else Phase.RUNNING
    return going_on(status, phase, step.why, step.action)


def _step(observed: Observed, now: datetime, settings: Settings) -> Step:
    run, job = observed.run, observed.train
    trains = first_task(run) == constants.TRAIN
    if job and job.owner == run.uid and trains and recall.due(job):
        return recall.recall(observed, job, now, settings)
    limits = Limits(run.status.start_time or now, settings.start_timeout, "spec.activeDeadline")
    return follow(run, job, train_job(run), observed.refused, limits, now)


def _settles(
    run: TrainingRun, job: Job, step: Step, now: datetime, settings: Settings
) -> timedelta | None:
    """Return how long it takes until a Job that goes well is worth a write, None if it is now.

    A run that ends at once is then written twice and not four times.
    """
    if run.status.phase is not Phase.PENDING or step.action or step.why is None:
        return None
    if step.why.reason not in {reasons.STARTING.name, reasons.RUNNING.name}:
        return None
    started = job.pods[-1].started if job.pods else None
    since, wait = (started, 1) if started else (job.created, _STARTS)
    left = since + wait * settings.settle - now
    return left if left > timedelta(0) else None


def _seen(status: TrainingRunStatus, job: Job) -> TrainingRunStatus:
    return status.model_copy(
        update={
            "job": JobStatus(name=job.name, uid=job.uid),
            # A Job that was made anew counts from one; the attempts before it were made.
            "attempts": max(job.before + job.attempts, status.attempts or 0),
            "progress": progress_of(job) or status.progress,
        }
    )


def _decided(observed: Observed, status: TrainingRunStatus, result: Result, now: datetime) -> Plan:
    decision, model = result.decision, result.model and result.model.rounded()
    assert decision is not None  # noqa: S101 - follow() returns decisions alone
    status = status.model_copy(
        update={"data": result.data, "model": model, "decision": decision, "progress": None}
    )
    awaits = decision.reason == constants.AWAITING_ROLLOUT
    if decision.outcome != Outcome.STAGED or not awaits or model is None:
        return succeeded(status, decision, now)
    if observed.run.spec.promotion.policy == "Manual":
        return approval.ask(status, model)
    if observed.run.rolls_out:
        due = reasons.ROLLOUT_DUE.because(version=model.version)
        return going_on(status, Phase.ROLLING_OUT, due)
    return succeeded(status, decision, now)
