"""From an admitted run to the train Job's decision."""

from datetime import datetime

from trainer_job.contract import Outcome, Result
from trainer_operator import constants, reasons
from trainer_operator.models import JobStatus, Phase, TrainingRunStatus
from trainer_operator.observed import Job, Observed
from trainer_operator.reconcile.following import Limits, follow
from trainer_operator.reconcile.plan import Plan, failed, going_on, succeeded
from trainer_operator.reconcile.results import progress_of
from trainer_operator.resources.jobs import train_job
from trainer_operator.settings import Settings


def train(observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Create the train Job, follow it, and take over what it decided."""
    run, job = observed.run, observed.train
    limits = Limits(run.status.start_time or now, settings.start_timeout, "spec.activeDeadline")
    step = follow(run, job, train_job(run), observed.refused, limits, now)
    status = _seen(run.status, job) if job and job.owner == run.uid else run.status
    if step.failure:
        return failed(status, step.failure, now)
    if step.result:
        return _decided(observed, status, step.result, now)
    if step.why is None:
        return Plan(status, None, step.action)
    return going_on(status, Phase.RUNNING if job else Phase.PENDING, step.why, step.action)


def _seen(status: TrainingRunStatus, job: Job) -> TrainingRunStatus:
    return status.model_copy(
        update={
            "job": JobStatus(name=job.name),
            # A Job that was made anew counts from one; the attempts before it were made.
            "attempts": max(job.attempts, status.attempts or 0),
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
    if decision.outcome == Outcome.STAGED and awaits and observed.run.rolls_out and model:
        due = reasons.ROLLOUT_DUE.because(version=model.version)
        return going_on(status, Phase.ROLLING_OUT, due)
    return succeeded(status, decision, now)
