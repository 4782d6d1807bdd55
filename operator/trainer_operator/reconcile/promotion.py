"""From a version that runs in every pod to one that is proven and promoted."""

from datetime import datetime

from trainer_job.contract import Failure, Result
from trainer_operator import reasons
from trainer_operator.models import Phase
from trainer_operator.observed import Observed
from trainer_operator.reconcile import settlement
from trainer_operator.reconcile.following import Limits, follow
from trainer_operator.reconcile.plan import Plan, going_on
from trainer_operator.reconcile.results import progress_of
from trainer_operator.resources.jobs import promote_job
from trainer_operator.settings import Settings


def promote(observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Create the promote Job and follow it; what it cannot prove or commit is rolled back."""
    run, job = observed.run, observed.promote
    status = run.status
    if settlement.due(status):
        return settlement.settle(observed, now)
    since = (status.rollout and status.rollout.start_time) or now
    limit = status.effective.rollout_timeout if status.effective else settings.rollout_timeout
    limits = Limits(since, limit, "spec.predictor.timeout")
    step = follow(run, job, promote_job(run, now), observed.refused, limits, now)
    if step.failure:
        return settlement.roll_back(status, _not_promoted(observed, step.failure))
    if step.result:
        return _decided(observed, step.result)
    if step.why is None:
        return Plan(status, None, step.action)
    progress = (job and progress_of(job)) or status.progress
    status = status.model_copy(update={"progress": progress})
    return going_on(status, Phase.PROMOTING, step.why, step.action)


def _decided(observed: Observed, result: Result) -> Plan:
    status, decision = observed.run.status, result.decision
    assert decision is not None  # noqa: S101 - follow() returns decisions alone
    decided = settlement.record(status, decision)
    if settlement.due(decided.status):
        return decided
    odd = Failure(reason=decision.reason, message=decision.message)
    return settlement.roll_back(status, _not_promoted(observed, odd))


def _not_promoted(observed: Observed, failure: Failure) -> Failure:
    status = observed.run.status
    why = reasons.NOT_PROMOTED.because(
        version=status.model and status.model.version,
        cause=failure.message,
        back=settlement.way_back(status),
    )
    return Failure(reason=failure.reason, message=why.message)
