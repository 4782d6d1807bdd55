"""The conditions of a run, as GitOps tools and kubectl wait read them."""

from datetime import timedelta

import pytest

from tests.unit.operator.builders import (
    NOW,
    PREDICTOR,
    SETTINGS,
    UID,
    Object,
    a_deployment,
    a_job,
    a_run,
    admitted,
    ended_pod,
    failure,
    look,
    look_again,
    ready_pod,
    result,
    rolling,
)
from trainer_job.contract import Decision, Outcome
from trainer_operator.conditions import assess
from trainer_operator.models import Condition, Phase, TrainingRunStatus
from trainer_operator.observed import Observed
from trainer_operator.reconcile import decide

RUN = a_run(status=admitted("Running"))
SUCCEEDED = a_job(ended_pod(0, result("Rejected")), complete=True)
FAILED = a_job(ended_pod(64, failure("BadCredentials", "Wrong.")), failed="PodFailurePolicy")


def conditions(status: TrainingRunStatus) -> dict[str, Condition]:
    return {condition.type: condition for condition in status.conditions}


def truths(status: TrainingRunStatus) -> str:
    return " ".join(f"{each.type}={each.status}" for each in status.conditions)


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("Queued", "True"),
        ("Suspended", "False"),
        ("AwaitingApproval", "False"),
        ("Running", "True"),
        ("Succeeded", "False"),
    ],
)
def test_no_tool_waits_for_somebody_to_change_the_spec(phase: str, expected: str) -> None:
    status = RUN.status.model_copy(update={"phase": Phase(phase)})
    told = conditions(assess(status, "Reason", RUN, NOW))
    assert told["Reconciling"].status == expected
    assert told["Finished"].status == ("True" if phase == "Succeeded" else "False")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("Promoted", "True"), ("NotServing", "True"), ("Superseded", "False")],
)
def test_what_is_under_the_alias_is_promoted(outcome: str, expected: str) -> None:
    decision = Decision(outcome=Outcome(outcome), reason="r", message="m")
    status = RUN.status.model_copy(update={"phase": Phase.SUCCEEDED, "decision": decision})
    assert conditions(assess(status, "r", RUN, NOW))["Promoted"].status == expected


@pytest.mark.parametrize(
    ("spec", "job", "expected"),
    [
        (
            {},
            a_job(),
            "Reconciling=True Stalled=False Ready=False Finished=False"
            " Trained=Unknown Evaluated=Unknown Promoted=Unknown",
        ),
        (
            {},
            SUCCEEDED,
            "Reconciling=False Stalled=False Ready=True Finished=True"
            " Trained=True Evaluated=True Promoted=False",
        ),
        (
            {},
            a_job(ended_pod(0, result("Promoted")), complete=True),
            "Reconciling=False Stalled=False Ready=True Finished=True"
            " Trained=True Evaluated=True Promoted=True",
        ),
        (
            {},
            a_job(ended_pod(0, result("Skipped", model=None)), complete=True),
            "Reconciling=False Stalled=False Ready=True Finished=True"
            " Trained=False Evaluated=False Promoted=False",
        ),
        (
            {},
            FAILED,
            "Reconciling=False Stalled=True Ready=False Finished=True"
            " Trained=False Evaluated=False Promoted=False",
        ),
        (
            PREDICTOR,
            a_job(ended_pod(0, result("Staged")), complete=True),
            "Reconciling=True Stalled=False Ready=False Finished=False"
            " Trained=True Evaluated=True Promoted=Unknown",
        ),
    ],
)
def test_what_is_true_at_each_point(spec: Object, job: object, expected: str) -> None:
    plan = look(a_run(spec, admitted("Running")), train=job)
    assert truths(plan.status) == expected


def test_finished_has_the_decision_as_its_reason() -> None:
    assert conditions(look(RUN, train=SUCCEEDED).status)["Finished"].reason == "Rejected"
    failed = conditions(look(RUN, train=FAILED).status)
    assert failed["Finished"].reason == failed["Stalled"].reason == "BadCredentials"
    assert failed["Finished"].message == "Wrong."


def test_evaluated_says_which_gate_it_was() -> None:
    judged = conditions(look(RUN, train=SUCCEEDED).status)["Evaluated"]
    assert judged.reason == "RejectedReason"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("AwaitingRollout", "GatesPassed"),
        ("PromotionDisabled", "GatesPassed"),
        ("Inconclusive", "Inconclusive"),
        ("ModesLost", "ModesLost"),
    ],
)
def test_evaluated_says_what_is_left_to_people(reason: str, expected: str) -> None:
    why = {"outcome": "Staged", "reason": reason, "message": "m"}
    job = a_job(ended_pod(0, result("Staged", decision=why)), complete=True)
    judged = conditions(look(RUN, train=job).status)["Evaluated"]
    assert (judged.status, judged.reason) == ("True", expected)


def test_a_rollback_is_the_decision_of_a_failed_run() -> None:
    run = a_run(PREDICTOR, rolling(seconds=300))
    plan = look(run, deployment=a_deployment("2", claim=UID, previous="1"))
    end = conditions(look_again(run, plan, deployment=a_deployment("1")).status)
    assert end["Finished"].reason == "RolledBack"
    assert end["Stalled"].reason == "NotProven"


def test_evaluated_stays_what_the_train_job_found() -> None:
    run = a_run(PREDICTOR, admitted("Running"))
    staged = look(run, train=a_job(ended_pod(0, result("Staged")), complete=True))
    before = conditions(staged.status)["Evaluated"]
    claimed = a_deployment("2", ready_pod(), claim=UID)
    promoting = look_again(run, staged, deployment=claimed)
    job = a_job(ended_pod(0, result("Promoted")), complete=True)
    promoted = look_again(run, promoting, deployment=claimed, promote=job)
    assert promoted.status.decision is not None
    assert promoted.status.decision.outcome == "Promoted"
    assert conditions(promoted.status)["Evaluated"] == before
    assert before.reason == "GatesPassed"


def test_the_time_is_that_of_the_last_change() -> None:
    first = look(RUN, train=a_job())
    later = RUN.model_copy(update={"status": first.status})
    plan = decide(Observed(later, train=FAILED), NOW + timedelta(minutes=1), SETTINGS)
    assert plan is not None
    times = {each.type: each.last_transition_time for each in plan.status.conditions}
    assert times["Stalled"] == times["Finished"] == NOW + timedelta(minutes=1)
    assert times["Ready"] == NOW  # was false before, and is


def test_they_are_about_the_generation_that_was_seen() -> None:
    plan = look(a_run(status=admitted("Running"), generation=4), train=a_job())
    assert plan.status.observed_generation == 4
    assert {condition.observed_generation for condition in plan.status.conditions} == {4}
