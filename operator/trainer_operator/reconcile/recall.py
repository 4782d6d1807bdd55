"""A train Job that ended and whose pods are gone: its decision is asked of the records."""

from datetime import datetime

from trainer_job.contract import Failure
from trainer_operator import constants, reasons
from trainer_operator.observed import Job, Observed
from trainer_operator.reconcile import causes
from trainer_operator.reconcile.following import Limits, Step, follow
from trainer_operator.reconcile.plan import ReadAgain
from trainer_operator.resources.jobs import job_name, recall_job
from trainer_operator.settings import Settings

_FIELD = "spec.activeDeadline"


def due(job: Job) -> bool:
    """Say whether a Job may have decided, and nobody is left to say how.

    What its deadline ended had its pods taken away by the Job controller itself.
    """
    by_deadline = job.failed is not None and job.failed.reason == "DeadlineExceeded"
    return job.ended and not job.pods and not job.stopped and not by_deadline


def recall(observed: Observed, job: Job, now: datetime, settings: Settings) -> Step:
    """Ask the records; what they do not know failed, as the Job's own condition says."""
    run = observed.run
    if not observed.fresh:
        return Step(action=ReadAgain())
    limits = Limits(observed.recall.created if observed.recall else now, settings.start_timeout, "")
    step = follow(run, observed.recall, recall_job(run), observed.refused, limits, now)
    if step.result:
        return step
    if step.failure:
        return Step(failure=_unknown(job, observed, step.failure))
    name = job_name(run, constants.RECALL)
    why = reasons.RECALLING.because(job=job.name, recall=name)
    return Step(why=why, action=step.action)


def _unknown(job: Job, observed: Observed, failure: Failure) -> Failure:
    run = observed.run
    own = causes.job_failure(job, run.uid, run.status, _FIELD)
    return Failure(reason=own.reason, message=f"{own.message} {failure.message}")
