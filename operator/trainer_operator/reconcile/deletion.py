"""What is left to be done for a run that is being deleted.

Its Jobs go by themselves. Only a rollout holds it: the Deployment is left as it was before, or,
where the version was promoted meanwhile, with what is recorded.
"""

from datetime import datetime

from trainer_operator import reasons
from trainer_operator.models import Phase
from trainer_operator.observed import Observed
from trainer_operator.reconcile import promotion, settlement
from trainer_operator.reconcile.plan import LetGo, Plan
from trainer_operator.settings import Settings


def let_go(observed: Observed, now: datetime, settings: Settings) -> Plan | None:
    """Return how a run leaves, None where nothing holds it and its Jobs go by themselves."""
    run, deployment = observed.run, observed.deployment
    if not run.held:
        return None
    status = run.status
    ours = deployment is not None and deployment.claim == run.uid
    over = status.phase is None or status.phase.finished
    promoting = status.phase is Phase.PROMOTING
    if over or not (ours or promoting):
        return Plan(status, None, LetGo())
    if settlement.due(status):
        return settlement.ended(run, settlement.settle(observed, now))
    # The promote Job may have put the version under its alias: its answer is awaited. One that
    # cannot be made, as in a namespace that is deleted, has not.
    if promoting and not (observed.promote is None and observed.refused):
        return promotion.promote(observed, now, settings)
    why = reasons.RESTORED_AFTER_DELETION.because(
        version=status.model and status.model.version, back=settlement.way_back(status)
    )
    return settlement.roll_back(status, why)
