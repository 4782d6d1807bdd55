"""From a staged version to one that runs in every pod of the predictor."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from trainer_job.contract import Decision, ModelSummary, Outcome, format_duration
from trainer_operator import constants, reasons
from trainer_operator.models import Phase, Rollout, TrainingRun, TrainingRunStatus
from trainer_operator.observed import Deployment, Observed
from trainer_operator.reconcile import settlement
from trainer_operator.reconcile.plan import (
    Hold,
    LetGo,
    PatchDeployment,
    Plan,
    failed,
    going_on,
    succeeded,
)
from trainer_operator.reconcile.proof import lacking, ready_pods
from trainer_operator.resources import rollout as patches
from trainer_operator.settings import Settings


def roll_out(observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Claim the Deployment, put the version on it, and wait until each of its pods serves it."""
    return settlement.ended(observed.run, _roll_out(observed, now))


def before(run: TrainingRun, runs: Iterable[TrainingRun]) -> str | None:
    """Return the run that has waited longest for the same Deployment, None where `run` has.

    Those that are held or on their way out do not wait, nor do those that have begun.
    """
    waiting = [each for each in runs if _waits(each, run)]
    first = min(waiting, key=_rank, default=run)
    return None if first.uid == run.uid or _rank(run) < _rank(first) else first.name


def _waits(other: TrainingRun, run: TrainingRun) -> bool:
    same = (
        other.namespace == run.namespace
        and other.spec.predictor is not None
        and run.spec.predictor is not None
        and other.spec.predictor.deployment == run.spec.predictor.deployment
    )
    rollout = other.status.rollout
    begun = rollout is not None and rollout.start_time is not None
    waits = other.status.phase is Phase.ROLLING_OUT and not settlement.due(other.status)
    return same and waits and not (begun or other.deleting or other.spec.suspend)


def _rank(run: TrainingRun) -> tuple[datetime, str]:
    trained = [
        each.last_transition_time
        for each in run.status.conditions
        if each.type == constants.TRAINED and each.status == "True"
    ]
    return (trained[0] if trained else run.created, run.uid)


def _roll_out(observed: Observed, now: datetime) -> Plan:
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
    run, status = observed.run, observed.run.status
    if status.rollout and status.rollout.start_time:
        cause = f"its model version is {deployment.version}, and the claim is gone."
        why = reasons.CONFLICT.because(
            deployment=deployment.name, version=model.version, cause=cause
        )
        return failed(status, why, now)
    if observed.refused:
        return _refused(observed, deployment, model, now)
    if rival := observed.rival or observed.before:
        return _queued(run, deployment, model, rival)
    if (superseded := _superseded(run, deployment, model)) is not None:
        return succeeded(status, superseded, now)
    if not run.held:  # from here on a deletion waits until the Deployment is settled
        return Plan(status, None, Hold())
    previous = _previous(status, deployment)
    rollout = Rollout(deployment=deployment.name, from_version=previous, to_version=model.version)
    status = status.model_copy(update={"rollout": rollout})
    body = patches.claim(run, deployment, model.name, model.version, previous)
    return Plan(status, None, PatchDeployment(deployment.name, body))


def _refused(
    observed: Observed, deployment: Deployment, model: ModelSummary, now: datetime
) -> Plan:
    assert observed.refused is not None  # noqa: S101 - the caller looked
    why = reasons.CLAIM_REFUSED.because(
        deployment=deployment.name,
        version=model.version,
        cause=reasons.sentence(observed.refused.message),
    )
    # The end is written first: no later look would find the refusal again.
    action = LetGo() if observed.run.held else None
    return replace(failed(observed.run.status, why, now), action=action)


def _queued(run: TrainingRun, deployment: Deployment, model: ModelSummary, rival: str) -> Plan:
    status = run.status
    queued = reasons.ROLLOUT_QUEUED.because(
        version=model.version, deployment=deployment.name, rival=rival
    )
    if explicit(run) and status.rollout is None:
        # What somebody asked for is held against what was in service when it began to wait.
        proven = deployment.previous if deployment.claim else deployment.version
        rollout = Rollout(deployment=deployment.name, from_version=proven, to_version=model.version)
        status = status.model_copy(update={"rollout": rollout})
    return going_on(status, Phase.ROLLING_OUT, queued)


def explicit(run: TrainingRun) -> bool:
    """Say whether the run names its version: then an older one may replace a newer one."""
    return run.spec.source.model_version is not None


def _claimed(
    observed: Observed, deployment: Deployment, model: ModelSummary, now: datetime
) -> Plan:
    status = _started(observed.run.status, deployment, now)
    missing = lacking(deployment, model.version)
    if missing is None or _silent(deployment):
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


def _silent(deployment: Deployment) -> bool:
    """Say whether nobody is there who could be asked: scaled to 0, and the last pod is gone."""
    seen = deployment.observed_generation >= deployment.generation
    return seen and deployment.wanted == deployment.replicas == len(deployment.pods) == 0


def _superseded(run: TrainingRun, deployment: Deployment, model: ModelSummary) -> Decision | None:
    """Return the decision about a version that came too late, None where it did not."""
    if deployment.claim is not None:  # of a run that is gone: its version was never proven
        return None
    if explicit(run):
        waited = run.status.rollout
        if waited is None or deployment.version in {waited.from_version, model.version}:
            return None
        why = reasons.CHANGED_MEANWHILE.because(
            version=model.version,
            found=deployment.version or "none",
            expected=waited.from_version or "none",
        )
    elif _newer(deployment, model):
        why = reasons.NEWER_IN_SERVICE.because(
            version=model.version,
            deployment=deployment.name,
            newer=deployment.version,
            name=model.name,
        )
    else:
        return None
    return Decision(outcome=Outcome.SUPERSEDED, reason=why.reason, message=why.message)


def _newer(deployment: Deployment, model: ModelSummary) -> bool:
    version = deployment.version or ""
    same = deployment.model_name == model.name
    return same and version.isdigit() and int(version) > int(model.version)
