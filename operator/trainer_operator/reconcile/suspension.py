"""Runs that somebody holds: spec.suspend.

What was not begun is not begun, and a Job that trains is suspended: its pods end, and no attempt
is counted. A version that is on the Deployment already goes on to its end.
"""

from dataclasses import replace
from datetime import datetime

from trainer_operator import reasons
from trainer_operator.models import Phase, TrainingRun, TrainingRunStatus
from trainer_operator.observed import Job, Observed
from trainer_operator.reconcile.plan import Action, DeleteJob, Plan, SuspendJob, going_on
from trainer_operator.settings import Settings

_BEFORE = {None, Phase.QUEUED}
_TRAINS = {Phase.PENDING, Phase.RUNNING}
_IN_ROLLOUT = {Phase.ROLLING_OUT, Phase.PROMOTING}


def suspend(observed: Observed, now: datetime, settings: Settings) -> Plan | None:
    """Return what a suspended run does, None where it goes on."""
    run = observed.run
    if not run.spec.suspend:
        return None
    phase = resumed_phase(run.status)
    if phase in _BEFORE:
        return _held(run.status, "The run was not begun.")
    if phase in _TRAINS:
        return _training(observed)
    if phase is Phase.ROLLING_OUT and not _on_its_way(observed):
        version = run.status.model and run.status.model.version
        return _held(run.status, f"Version {version} is registered and not put in service.")
    return None


def resumed_phase(status: TrainingRunStatus) -> Phase | None:
    """Return where a run goes on that was held; the phase of any other."""
    if status.phase is not Phase.SUSPENDED:
        return status.phase
    if status.decision is not None:
        return Phase.ROLLING_OUT
    return Phase.PENDING if status.as_of else None


def mention(plan: Plan, run: TrainingRun) -> Plan:
    """Return the plan of a rollout that goes on in spite of spec.suspend, saying so."""
    status, predictor = plan.status, run.spec.predictor
    under_way = {status.phase, resumed_phase(run.status)} <= _IN_ROLLOUT
    if not (run.spec.suspend and under_way and plan.reason) or predictor is None:
        return plan
    why = reasons.SUSPENSION_TOO_LATE.because(
        version=status.model and status.model.version,
        deployment=predictor.deployment,
        going_on=status.message or "",
    )
    return replace(plan, status=status.model_copy(update={"message": why.message}))


def _training(observed: Observed) -> Plan | None:
    status, job = observed.run.status, observed.train
    if job is None:
        return _held(status, "It has no Job.")
    if job.owner != observed.run.uid or job.ended or job.stopped:
        return None  # its end comes first: it may be a decision
    if job.queue:  # Kueue alone suspends and resumes what it has queued
        given_back = status.model_copy(update={"attempts": job.before + job.attempts - job.active})
        action: Action | None = None if job.deleting else DeleteJob(job.name, job.uid)
        return _held(given_back, "Its Job was taken out of the queue.", action)
    return _held(status, f"The Job {job.name} has no pods.", _suspending(job))


def _suspending(job: Job) -> Action | None:
    if job.suspended or job.deleting:
        return None
    return SuspendJob(job.name, job.resource_version, on=True)


def _on_its_way(observed: Observed) -> bool:
    """Say whether the version is on the Deployment, or was: its rollout has begun."""
    rollout, deployment = observed.run.status.rollout, observed.deployment
    begun = rollout is not None and rollout.start_time is not None
    return begun or (deployment is not None and deployment.claim == observed.run.uid)


def _held(status: TrainingRunStatus, what: str, action: Action | None = None) -> Plan:
    status = status.model_copy(update={"progress": None})
    return going_on(status, Phase.SUSPENDED, reasons.SUSPENDED.because(what=what), action)
