"""A version that passed waits for somebody's word where the run says so."""

import pytest

from tests.unit.operator.builders import (
    MANUAL,
    PREDICTOR,
    Object,
    a_job,
    a_run,
    admitted,
    awaiting,
    ended_pod,
    look,
    look_again,
    result,
)

PASSED = a_job(ended_pod(0, result("Staged")), complete=True)


def approved(version: str) -> Object:
    return {"promotion": {"policy": "Manual", "approvedVersion": version}}


@pytest.mark.parametrize("spec", [MANUAL, MANUAL | PREDICTOR])
def test_a_model_that_passed_waits(spec: Object) -> None:
    run = a_run(spec, admitted("Running"))
    plan = look(run, train=PASSED)
    assert (plan.status.phase, plan.reason) == ("AwaitingApproval", "AwaitingApproval")
    assert plan.status.decision is not None
    assert plan.status.decision.outcome == "AwaitingApproval"
    assert "approvedVersion to 2" in str(plan.status.message)
    assert look_again(run, plan) == plan


@pytest.mark.parametrize("outcome", ["Rejected", "Skipped"])
def test_nobody_is_asked_about_a_model_that_did_not(outcome: str) -> None:
    job = a_job(ended_pod(0, result(outcome)), complete=True)
    assert look(a_run(MANUAL, admitted("Running")), train=job).status.phase == "Succeeded"


def test_what_a_gate_leaves_to_people_is_not_asked_for() -> None:
    decision = {"outcome": "Staged", "reason": "ModesLost", "message": "m"}
    job = a_job(ended_pod(0, result("Staged", decision=decision)), complete=True)
    plan = look(a_run(MANUAL, admitted("Running")), train=job)
    assert (plan.status.phase, plan.reason) == ("Succeeded", "ModesLost")


@pytest.mark.parametrize(("more", "phase"), [(PREDICTOR, "RollingOut"), ({}, "Promoting")])
def test_the_approved_version_goes_into_service(more: Object, phase: str) -> None:
    plan = look(a_run(approved("2") | more, awaiting("2")))
    assert (plan.status.phase, plan.reason, plan.action) == (phase, "Approved", None)
    assert plan.status.decision is not None
    assert (plan.status.decision.outcome, plan.status.decision.reason) == (
        "Staged",
        "AwaitingRollout",
    )


def test_another_version_than_the_runs_is_not() -> None:
    assert look(a_run(approved("1"), awaiting("2"))).status.phase == "AwaitingApproval"


def test_the_champion_that_it_was_compared_with_is_kept() -> None:
    given = {"outcome": "AwaitingApproval", "reason": "r", "message": "m"}
    status = awaiting("2", decision={**given, "champion": {"version": "1"}})
    for spec in (MANUAL, approved("2")):
        decision = look(a_run(spec, status)).status.decision
        assert decision is not None
        assert decision.champion is not None
        assert decision.champion.version == "1"
