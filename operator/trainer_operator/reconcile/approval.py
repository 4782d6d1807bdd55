"""A version that passed, and the word of whoever puts it in service."""

from datetime import datetime

from trainer_job.contract import Decision, ModelSummary, Outcome
from trainer_operator import constants, reasons
from trainer_operator.models import Phase, TrainingRunStatus
from trainer_operator.observed import Observed
from trainer_operator.reconcile.plan import Plan, going_on
from trainer_operator.settings import Settings


def ask(status: TrainingRunStatus, model: ModelSummary) -> Plan:
    """Return the plan of a run whose model passed, and waits for somebody's word."""
    why = reasons.AWAITING_APPROVAL.because(version=model.version, model=model.name)
    status = _decided(status, Outcome.AWAITING_APPROVAL, why.reason, why.message)
    return going_on(status, Phase.AWAITING_APPROVAL, why)


def approve(observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Wait until the version that was trained is approved; it is then put in service."""
    run = observed.run
    model = run.status.model
    assert model is not None  # noqa: S101 - nobody is asked about a run without a model
    if run.spec.promotion.approved_version != model.version:
        return ask(run.status, model)
    why = reasons.APPROVED.because(version=model.version)
    status = _decided(run.status, Outcome.STAGED, constants.AWAITING_ROLLOUT, why.message)
    return going_on(status, Phase.ROLLING_OUT if run.rolls_out else Phase.PROMOTING, why)


def _decided(
    status: TrainingRunStatus, outcome: Outcome, reason: str, message: str
) -> TrainingRunStatus:
    champion = status.decision.champion if status.decision else None
    decision = Decision(outcome=outcome, reason=reason, message=message, champion=champion)
    return status.model_copy(update={"decision": decision})
