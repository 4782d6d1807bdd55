"""The end of a rollout: the decision is recorded, then the Deployment is left as it says.

Restoring and giving up the claim come before the end of the run is written, so that an operator
that dies in between finds the decision, and what is left to be done for it.
"""

from datetime import datetime

from trainer_job.contract import Decision, Failure, Outcome
from trainer_operator import reasons
from trainer_operator.models import Phase, TrainingRun, TrainingRunStatus
from trainer_operator.observed import Deployment, Observed
from trainer_operator.reconcile.plan import (
    LetGo,
    PatchDeployment,
    Plan,
    failed,
    going_on,
    succeeded,
)
from trainer_operator.resources import rollout as patches

_KEPT = {Outcome.PROMOTED, Outcome.NOT_SERVING}
_FINAL = _KEPT | {Outcome.SUPERSEDED, Outcome.ROLLED_BACK}


def due(status: TrainingRunStatus) -> bool:
    """Say whether the decision stands and only the Deployment is to be settled."""
    return status.decision is not None and status.decision.outcome in _FINAL


def roll_back(status: TrainingRunStatus, why: Failure) -> Plan:
    """Record that the version does not stay in service."""
    champion = status.decision.champion if status.decision else None
    decision = Decision(
        outcome=Outcome.ROLLED_BACK, reason=why.reason, message=why.message, champion=champion
    )
    return record(status, decision)


def record(status: TrainingRunStatus, decision: Decision) -> Plan:
    """Record a decision that stands, before its consequence."""
    decided = status.model_copy(update={"decision": decision})
    why = Failure(reason=decision.reason, message=decision.message)
    return going_on(decided, status.phase or Phase.ROLLING_OUT, why)


def ended(run: TrainingRun, plan: Plan) -> Plan:
    """Return the plan, where it ends a run that holds a finalizer: that goes before.

    An operator that dies in between finds the run as it was, and ends it the same way.
    """
    over = plan.status.phase is not None and plan.status.phase.finished
    if not over or not run.held or plan.action is not None:
        return plan
    return Plan(run.status, None, LetGo())


def settle(observed: Observed, now: datetime) -> Plan:
    """Give the Deployment back, then end the run."""
    run, deployment = observed.run, observed.deployment
    decision, model = run.status.decision, run.status.model
    assert decision is not None  # noqa: S101 - due() said so
    assert model is not None  # noqa: S101 - nor is there a rollout without a model
    if deployment and deployment.claim == run.uid:
        kept = decision.outcome in _KEPT or not carries(deployment, model.version)
        if kept or observed.refused:  # or somebody else owns the annotation by now
            body = patches.release(deployment)
        else:
            body = patches.restore(run.namespace, deployment, model.name, deployment.previous)
        return Plan(run.status, None, PatchDeployment(deployment.name, body))
    if decision.outcome == Outcome.ROLLED_BACK:
        why = Failure(reason=decision.reason, message=decision.message)
        return failed(run.status, why, now)
    return succeeded(run.status, decision, now)


def way_back(status: TrainingRunStatus) -> str:
    """Return where the Deployment goes, as a sentence; "" where there is none."""
    rollout = status.rollout
    if rollout is None:
        return ""
    if rollout.from_version:
        return f"The Deployment {rollout.deployment} goes back to version {rollout.from_version}."
    return "Its annotations are taken away: no version was in service before."


def deployment_gone(run: TrainingRun) -> Failure:
    """Return the failure of a run whose Deployment was deleted under it."""
    predictor, model = run.spec.predictor, run.status.model
    return reasons.DEPLOYMENT_GONE.because(
        deployment=predictor and predictor.deployment, version=model and model.version
    )


def carries(deployment: Deployment, version: str) -> bool:
    """Say whether the Deployment and its pods' template both name the version."""
    return deployment.version == version == deployment.template_version
