"""From a version that runs in every pod to one that is proven and promoted."""

from datetime import datetime

from trainer_job.contract import Decision, Failure, Outcome, Result
from trainer_operator import reasons
from trainer_operator.models import Phase
from trainer_operator.observed import Observed
from trainer_operator.reconcile import settlement
from trainer_operator.reconcile.following import Limits, follow
from trainer_operator.reconcile.plan import Plan, failed, going_on
from trainer_operator.reconcile.results import progress_of
from trainer_operator.resources.jobs import promote_job
from trainer_operator.settings import Settings


def promote(observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Create the promote Job and follow it; what it cannot prove or commit is rolled back."""
    return settlement.ended(observed.run, _promote(observed, now, settings))


def _promote(observed: Observed, now: datetime, settings: Settings) -> Plan:
    run, job = observed.run, observed.promote
    status = run.status
    if settlement.due(status):
        return settlement.settle(observed, now)
    if job is None and (changed := _changed(observed, now)):
        return changed
    limit = status.effective.rollout_timeout if status.effective else settings.rollout_timeout
    limits = Limits(_since(observed, now), limit, "spec.predictor.timeout")
    step = follow(run, job, promote_job(run, now), observed.refused, limits, now)
    if step.failure:
        return _not_promoted(observed, step.failure, now)
    if step.result:
        return _decided(observed, step.result, now)
    if step.why is None:
        return Plan(status, None, step.action, step.again)
    progress = (job and progress_of(job)) or status.progress
    status = status.model_copy(update={"progress": progress})
    return going_on(status, Phase.PROMOTING, step.why, step.action, step.again)


def _changed(observed: Observed, now: datetime) -> Plan | None:
    """Return what is done where the Deployment is not as the rollout left it, None where it is.

    It is looked at before anybody is asked: what is not in service need not be proven.
    """
    run, deployment = observed.run, observed.deployment
    status, model = run.status, run.status.model
    if not run.rolls_out or model is None:  # it is promoted by its alias alone
        return None
    if deployment is None:
        return failed(status, settlement.deployment_gone(run), now)
    if deployment.claim != run.uid or not settlement.carries(deployment, model.version):
        cause = f"its model version is {deployment.version}, or the claim is gone."
        why = reasons.CONFLICT.because(
            deployment=deployment.name, version=model.version, cause=cause
        )
        return settlement.roll_back(status, why)
    asked = status.rollout is not None and status.rollout.replicas > 0
    if (deployment.wanted > 0) != asked:
        # Scaled to 0, or up from it: whom the version is proven by has changed.
        why = reasons.ROLLING_OUT.because(version=model.version, lacking="It was scaled.")
        return going_on(status, Phase.ROLLING_OUT, why)
    return None


def _since(observed: Observed, now: datetime) -> datetime:
    """Return when the promotion was due first."""
    status = observed.run.status
    if status.rollout and status.rollout.start_time:
        return status.rollout.start_time
    # An approved version without a Deployment: it reconciles since it was approved.
    times = [each.last_transition_time for each in status.conditions if each.type == "Reconciling"]
    return times[0] if times else now


def _decided(observed: Observed, result: Result, now: datetime) -> Plan:
    decision = result.decision
    assert decision is not None  # noqa: S101 - follow() returns decisions alone
    decided = settlement.record(observed.run.status, _told(observed, decision))
    if settlement.due(decided.status):
        return decided
    odd = Failure(reason=decision.reason, message=decision.message)
    return _not_promoted(observed, odd, now)


def _told(observed: Observed, decision: Decision) -> Decision:
    """Return a promotion that says so where the Deployment was changed while it was asked."""
    deployment, model = observed.deployment, observed.run.status.model
    if decision.outcome is not Outcome.PROMOTED or deployment is None or model is None:
        return decision
    if deployment.version == model.version:
        return decision
    text = (
        f"{decision.message} The Deployment {deployment.name} was changed meanwhile and names"
        f" version {deployment.version or 'none'}: set its annotation back, or promote that one."
    )
    return decision.model_copy(update={"message": text})


def _not_promoted(observed: Observed, failure: Failure, now: datetime) -> Plan:
    status = observed.run.status
    why = reasons.NOT_PROMOTED.because(
        version=status.model and status.model.version,
        cause=failure.message,
        back=settlement.way_back(status),
    )
    why = Failure(reason=failure.reason, message=why.message.rstrip())
    deployment = observed.deployment
    ours = deployment is not None and deployment.claim == observed.run.uid
    if status.rollout is None and not ours:  # nothing was put in service that could come back
        return failed(status, why, now)
    return settlement.roll_back(status, why)
