"""A new run: what would fail anyway fails now, the rest gets its records."""

from datetime import datetime

from trainer_job.contract import Failure
from trainer_operator import reasons
from trainer_operator.models import (
    Effective,
    EffectiveTracking,
    Phase,
    SecretReference,
    TrainingRun,
)
from trainer_operator.observed import Observed
from trainer_operator.reconcile.plan import Plan, failed, going_on
from trainer_operator.resources.jobs import first_task, job_name
from trainer_operator.settings import Settings


def admit(observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Record when the run was taken up and what it uses; the Job comes at the next look.

    The record is written first: every attempt then reads the same window with the same image,
    whatever becomes of the operator or its settings.
    """
    run = observed.run
    if run.rolls_out and observed.deployment is None:
        return failed(run.status, deployment_missing(run), now)
    status = run.status.model_copy(
        update={"as_of": now, "start_time": now, "effective": effective(run, settings)}
    )
    job = job_name(run, first_task(run))
    return going_on(status, Phase.PENDING, reasons.ADMITTED.because(job=job))


def deployment_missing(run: TrainingRun) -> Failure:
    """Return the failure of a run whose Deployment does not exist."""
    return reasons.DEPLOYMENT_MISSING.because(
        deployment=run.spec.predictor and run.spec.predictor.deployment, namespace=run.namespace
    )


def effective(run: TrainingRun, settings: Settings) -> Effective:
    """Return the run's spec with the operator's defaults filled in."""
    spec = run.spec
    # The default credentials are for the default server alone.
    secret = spec.tracking.secret_ref
    if secret is None and spec.tracking.uri is None and settings.tracking_secret:
        secret = SecretReference(name=settings.tracking_secret)
    return Effective(
        image=spec.job.image or settings.job_image,
        image_pull_policy=spec.job.image_pull_policy or settings.job_image_pull_policy,
        resources=spec.job.resources or settings.job_resources,
        database=spec.database.secret_ref or SecretReference(name=settings.database_secret),
        tracking=EffectiveTracking(
            uri=spec.tracking.uri or settings.tracking_uri,
            experiment=spec.tracking.experiment or settings.tracking_experiment,
            secret_ref=secret,
        ),
        active_deadline=spec.active_deadline or settings.active_deadline,
        rollout_timeout=(spec.predictor and spec.predictor.timeout) or settings.rollout_timeout,
    )
