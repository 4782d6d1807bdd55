"""From a staged version to one that runs in every pod of the predictor."""

from datetime import datetime

from trainer_job.contract import Decision, ModelSummary, Outcome, format_duration
from trainer_operator import reasons
from trainer_operator.models import Phase, Rollout, TrainingRunStatus
from trainer_operator.observed import Deployment, Observed
from trainer_operator.reconcile import settlement
from trainer_operator.reconcile.plan import PatchDeployment, Plan, failed, going_on, succeeded
from trainer_operator.reconcile.proof import lacking, ready_pods
from trainer_operator.resources import rollout as patches
from trainer_operator.settings import Settings


def roll_out(observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Claim the Deployment, put the version on it, and wait until each of its pods serves it."""
    status, deployment = observed.run.status, observed.deployment
    if settlement.due(status):
        return settlement.settle(observed, now)
    model = status.model
    assert model is not None  # noqa: S101 - a run without a model does not roll out
    if deployment is None:
        return failed(status, settlement.deployment_gone(observed.run), now)
    if deployment.claim != observed.run.uid:
        return _unclaimed(observed, deployment, model, now)
    if not settlement.carries(deployment, model.version):
        # Not ours any more: only the claim is taken away, and the next look says Conflict.
        status = _started(status, deployment, now)
        return Plan(status, None, PatchDeployment(deployment.name, patches.release(deployment)))
    return _claimed(observed, deployment, model, now)


def _unclaimed(
    observed: Observed, deployment: Deployment, model: ModelSummary, now: datetime
) -> Plan:
    status, version = observed.run.status, model.version
    if status.rollout and status.rollout.start_time:
        cause = f"its model version is {deployment.version}, and the claim is gone."
        why = reasons.CONFLICT.because(deployment=deployment.name, version=version, cause=cause)
        return failed(status, why, now)
    if observed.refused:
        cause = reasons.sentence(observed.refused.message)
        why = reasons.CLAIM_REFUSED.because(
            deployment=deployment.name, version=version, cause=cause
        )
        return failed(status, why, now)
    if observed.rival:
        queued = reasons.ROLLOUT_QUEUED.because(
            version=version, deployment=deployment.name, rival=observed.rival
        )
        return going_on(status, Phase.ROLLING_OUT, queued)
    if _newer(deployment, model):
        return succeeded(status, _superseded(deployment, model), now)
    previous = _previous(status, deployment)
    rollout = Rollout(deployment=deployment.name, from_version=previous, to_version=version)
    status = status.model_copy(update={"rollout": rollout})
    body = patches.claim(observed.run, deployment, model.name, version, previous)
    return Plan(status, None, PatchDeployment(deployment.name, body))


def _claimed(
    observed: Observed, deployment: Deployment, model: ModelSummary, now: datetime
) -> Plan:
    status = _started(observed.run.status, deployment, now)
    missing = lacking(deployment, model.version)
    if missing is None:
        proving = reasons.PROVING.because(version=model.version)
        return going_on(status, Phase.PROMOTING, proving)
    limit = status.effective.rollout_timeout if status.effective else None
    assert status.rollout is not None  # noqa: S101 - _started() made it
    since = status.rollout.start_time
    if limit and since and now - since >= limit:
        why = reasons.NOT_PROVEN.because(
            version=model.version,
            limit=format_duration(limit),
            lacking=missing,
            back=settlement.way_back(status),
        )
        return settlement.roll_back(status, why)
    rolling = reasons.ROLLING_OUT.because(version=model.version, lacking=missing)
    return going_on(status, Phase.ROLLING_OUT, rolling)


def _started(status: TrainingRunStatus, deployment: Deployment, now: datetime) -> TrainingRunStatus:
    """Return the status with what is seen of a rollout whose claim is on the Deployment."""
    version = status.model.version if status.model else ""
    rollout = Rollout(
        deployment=deployment.name,
        from_version=deployment.previous,
        to_version=version,
        start_time=(status.rollout and status.rollout.start_time) or now,
        replicas=deployment.wanted,
        ready=len(ready_pods(deployment, version)),
    )
    return status.model_copy(update={"rollout": rollout})


def _previous(status: TrainingRunStatus, deployment: Deployment) -> str | None:
    if deployment.claim:  # of a run that is gone: its version was never proven
        return deployment.previous
    champion = status.decision.champion if status.decision else None
    return deployment.version or (champion.version if champion else None)


def _newer(deployment: Deployment, model: ModelSummary) -> bool:
    version = deployment.version or ""
    return (
        deployment.claim is None
        and deployment.model_name == model.name
        and version.isdigit()
        and int(version) > int(model.version)
    )


def _superseded(deployment: Deployment, model: ModelSummary) -> Decision:
    why = reasons.NEWER_IN_SERVICE.because(
        version=model.version,
        deployment=deployment.name,
        newer=deployment.version,
        name=model.name,
    )
    return Decision(outcome=Outcome.SUPERSEDED, reason=why.reason, message=why.message)
