"""The one entrance: which step a run is at."""

from dataclasses import replace
from datetime import datetime

from trainer_operator import conditions, reasons
from trainer_operator.models import Phase
from trainer_operator.observed import Observed
from trainer_operator.reconcile import admission, promotion, rollout, training
from trainer_operator.reconcile.plan import Plan, failed
from trainer_operator.settings import Settings

_STEPS = {
    Phase.PENDING: training.train,
    Phase.RUNNING: training.train,
    Phase.ROLLING_OUT: rollout.roll_out,
    Phase.PROMOTING: promotion.promote,
}


def decide(observed: Observed, now: datetime, settings: Settings) -> Plan | None:
    """Return what is to be done about a run, None where nothing ever is.

    A finished run is never run again, whatever happens to its Job; one that is being deleted
    takes its Jobs with it.

    Parameters
    ----------
    observed
        The run and what belongs to it, read a moment ago.
    now
        The time, with its zone, in whole seconds: that is what Kubernetes keeps.
    settings
        The operator's.
    """
    run = observed.run
    phase = run.status.phase
    if run.deleting or (phase and phase.finished):
        return None
    if run.invalid:
        plan = failed(run.status, reasons.INVALID_SPEC.because(problem=run.invalid), now)
    elif phase is None:
        plan = admission.admit(observed, now, settings)
    else:
        plan = _STEPS[phase](observed, now, settings)
    if plan.reason is None:
        return plan
    return replace(plan, status=conditions.assess(plan.status, plan.reason, run, now))
