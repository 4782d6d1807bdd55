"""The conditions of a run, as they follow from its status.

Reconciling, Stalled and Ready are those that kstatus and GitOps tools read. Finished is true at
any end, so that one ``kubectl wait --for=condition=Finished`` serves.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from trainer_job.contract import Decision, Outcome
from trainer_operator import constants
from trainer_operator.models import Condition, Phase, TrainingRun, TrainingRunStatus

Truth = Literal["True", "False", "Unknown"]


class _Verdict(NamedTuple):
    type: str
    status: Truth
    reason: str
    message: str


def assess(
    status: TrainingRunStatus, reason: str, run: TrainingRun, now: datetime
) -> TrainingRunStatus:
    """Return the status with its conditions, and the generation that they are about.

    A condition's time is that of the last change from true to false or back, so it is stable
    while nothing changes.

    Parameters
    ----------
    status
        What is to be written.
    reason
        Why it is so.
    run
        The run as it was read, with the conditions that it had.
    now
        The time, with its zone.
    """
    old = {condition.type: condition for condition in run.status.conditions}
    verdicts = [*_flow(status, reason), *_steps(status, reason, old)]
    conditions = tuple(_condition(each, old, run.generation, now) for each in verdicts)
    return status.model_copy(
        update={"conditions": conditions, "observed_generation": run.generation}
    )


def _condition(
    verdict: _Verdict, old: dict[str, Condition], generation: int, now: datetime
) -> Condition:
    before = old.get(verdict.type)
    same = before is not None and before.status == verdict.status
    return Condition(
        **verdict._asdict(),
        observed_generation=generation,
        last_transition_time=before.last_transition_time if before and same else now,
    )


def _flow(status: TrainingRunStatus, reason: str) -> Iterator[_Verdict]:
    message = status.message or ""
    finished = status.phase is not None and status.phase.finished
    failed = status.phase is Phase.FAILED
    succeeded = status.phase is Phase.SUCCEEDED
    end = _end_reason(status, reason)
    # GitOps tools wait for what is reconciling: not for somebody to change the spec.
    resting = status.phase is not None and status.phase.resting
    yield _Verdict(constants.RECONCILING, _truth(not finished and not resting), reason, message)
    yield _Verdict(constants.STALLED, _truth(failed), reason, message if failed else "")
    yield _Verdict(constants.READY, _truth(succeeded), end if finished else reason, message)
    yield _Verdict(constants.FINISHED, _truth(finished), end if finished else reason, message)


def _end_reason(status: TrainingRunStatus, reason: str) -> str:
    outcome = status.decision.outcome if status.decision else None
    if outcome and (status.phase is Phase.SUCCEEDED or outcome is Outcome.ROLLED_BACK):
        return str(outcome)
    return reason


def _steps(status: TrainingRunStatus, reason: str, old: dict[str, Condition]) -> Iterator[_Verdict]:
    model, decision = status.model, status.decision
    undecided: Truth = "False" if status.phase is not None and status.phase.finished else "Unknown"
    waiting = "" if undecided == "Unknown" else status.message or ""
    if model:
        text = f"Version {model.version} of {model.name} is registered."
        yield _Verdict(constants.TRAINED, "True", "Registered", text)
    else:
        yield _Verdict(constants.TRAINED, undecided, reason, waiting)
    judged = old.get(constants.EVALUATED)
    if judged and judged.status == "True":  # by the train Job; what comes later is not about it
        yield _Verdict(constants.EVALUATED, "True", judged.reason, judged.message)
    elif model and decision:
        why = "GatesPassed" if _passed(decision) else decision.reason
        yield _Verdict(constants.EVALUATED, "True", why, decision.message)
    else:
        yield _Verdict(constants.EVALUATED, undecided, reason, waiting)
    if decision and decision.outcome in {Outcome.PROMOTED, Outcome.NOT_SERVING}:
        yield _Verdict(constants.PROMOTED, "True", decision.reason, decision.message)
    else:
        yield _Verdict(constants.PROMOTED, undecided, _end_reason(status, reason), waiting)


def _passed(decision: Decision) -> bool:
    """Say whether no gate spoke against the model, nor left it to people."""
    if decision.outcome is Outcome.STAGED:
        return decision.reason in {constants.AWAITING_ROLLOUT, constants.PROMOTION_DISABLED}
    return decision.outcome is not Outcome.REJECTED


def _truth(value: bool) -> Truth:
    return "True" if value else "False"
