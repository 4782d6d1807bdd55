"""The one entrance: which step a run is at."""

from dataclasses import replace
from datetime import datetime

from trainer_operator import conditions, reasons
from trainer_operator.models import Phase
from trainer_operator.observed import Observed
from trainer_operator.reconcile import (
    admission,
    approval,
    deletion,
    promotion,
    queueing,
    retention,
    rollout,
    suspension,
    training,
)
from trainer_operator.reconcile.plan import Plan, failed
from trainer_operator.resources import bounds
from trainer_operator.settings import Settings

_STEPS = {
    None: admission.admit,
    Phase.QUEUED: admission.admit,
    Phase.PENDING: training.train,
    Phase.RUNNING: training.train,
    Phase.AWAITING_APPROVAL: approval.approve,
    Phase.ROLLING_OUT: rollout.roll_out,
    Phase.PROMOTING: promotion.promote,
}


def decide(observed: Observed, now: datetime, settings: Settings) -> Plan | None:
    """Return what is to be done about a run, None where nothing ever is.

    A finished run is never run again, whatever happens to its Job: it is only kept, or deleted.
    One that is being deleted takes its Jobs with it.

    Parameters
    ----------
    observed
        The run and what belongs to it, read a moment ago.
    now
        The time, with its zone, in whole seconds: that is what Kubernetes keeps.
    settings
        The operator's.
    """
    plan = _plan(observed, now, settings)
    if plan is None or plan.reason is None:
        return plan
    status = conditions.assess(plan.status, plan.reason, observed.run, now)
    return replace(plan, status=bounds.bounded(status))


def _plan(observed: Observed, now: datetime, settings: Settings) -> Plan | None:
    run = observed.run
    phase = run.status.phase
    if run.deleting:
        return deletion.let_go(observed, now, settings)
    if phase and phase.finished:
        return retention.retain(observed, now, settings)
    if run.invalid:
        return failed(run.status, reasons.INVALID_SPEC.because(problem=run.invalid), now)
    if held := suspension.suspend(observed, now, settings):
        return held
    phase = suspension.resumed_phase(run.status)
    if run.status.as_of is None and (waiting := queueing.queue(observed, now, settings)):
        return waiting
    return suspension.mention(_STEPS[phase](observed, now, settings), run)
