"""What is left to be done for a run that ended."""

from datetime import datetime, timedelta

from trainer_operator.models import TrainingRun
from trainer_operator.observed import Job, Observed
from trainer_operator.reconcile.plan import DeleteJob, DeleteRun, LetGo, Plan
from trainer_operator.settings import Settings


def retain(observed: Observed, now: datetime, settings: Settings) -> Plan | None:
    """Return what is due after the end of a run, None where nothing ever is.

    Its status stays as it is. A Job that goes on without it (its pod's node came back, or an
    operator that was stopped made it) is deleted, and the run itself when its time is over.
    """
    run = observed.run
    if run.held:
        return Plan(run.status, None, LetGo())
    for job in (observed.train, observed.promote, observed.recall):
        if job and _astray(job, run):
            return Plan(run.status, None, DeleteJob(job.name, job.uid))
    left = _left(run, now)
    if left is None:
        return None
    if left <= timedelta(0):
        return Plan(run.status, None, DeleteRun())
    return Plan(run.status, None, again=left)


def _astray(job: Job, run: TrainingRun) -> bool:
    ends = job.ended or job.stopped is not None or job.deleting
    return job.owner == run.uid and not ends


def _left(run: TrainingRun, now: datetime) -> timedelta | None:
    """Return for how long the run is kept, None for ever."""
    ended, kept = run.status.completion_time, run.spec.ttl_after_finished
    return None if ended is None or kept is None else ended + kept - now
