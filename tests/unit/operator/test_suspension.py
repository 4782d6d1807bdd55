"""Runs that somebody holds."""

import pytest

from tests.unit.operator.builders import (
    PREDICTOR,
    UID,
    Object,
    a_deployment,
    a_job,
    a_run,
    admitted,
    awaiting,
    ended_pod,
    look,
    look_again,
    ready_pod,
    result,
    rolling,
    running_pod,
    staged,
    time,
)
from trainer_operator.models import TrainingRun
from trainer_operator.reconcile import CreateJob, DeleteJob, Hold, PatchDeployment, SuspendJob

HELD: Object = {"suspend": True}
SERVED: Object = {**PREDICTOR, "suspend": True}
QUEUE = {"kueue.x-k8s.io/queue-name": "gpus"}


def resumed(run: TrainingRun) -> TrainingRun:
    return run.model_copy(update={"spec": run.spec.model_copy(update={"suspend": False})})


@pytest.mark.parametrize("status", [None, {"observedGeneration": 1, "phase": "Queued"}])
def test_what_was_not_begun_is_not_begun(status: Object | None) -> None:
    plan = look(a_run(HELD, status))
    assert (plan.status.phase, plan.reason, plan.action) == ("Suspended", "Suspended", None)
    assert plan.status.as_of is None
    assert "spec.suspend" in str(plan.status.message)
    assert look_again(a_run(HELD), plan) == plan


@pytest.mark.parametrize("phase", ["Pending", "Running"])
def test_a_job_that_trains_is_suspended_and_later_resumed(phase: str) -> None:
    run = a_run(HELD, admitted(phase, attempts=1))
    plan = look(run, train=a_job(running_pod()))
    assert plan.action == SuspendJob("nightly-train-1", "50", on=True)
    assert plan.status.phase == "Suspended"
    assert plan.status.attempts == 1
    held = look_again(run, plan, train=a_job(suspended=True))
    assert held.action is None
    assert held.status == plan.status
    back = look_again(resumed(run), held, train=a_job(suspended=True))
    assert back.action == SuspendJob("nightly-train-1", "50", on=False)
    assert back.reason == "Resuming"
    assert back.status.as_of == run.status.as_of


def test_no_job_is_made_while_a_run_is_held() -> None:
    run = a_run(HELD, admitted())
    plan = look(run)
    assert plan.action is None
    assert plan.status.phase == "Suspended"
    assert isinstance(look_again(resumed(run), plan).action, CreateJob)


def test_a_job_that_is_being_deleted_is_left_to_it() -> None:
    plan = look(a_run(HELD, admitted("Running")), train=a_job(deletionTimestamp=time()))
    assert plan.action is None


def test_a_decision_that_was_reached_counts() -> None:
    job = a_job(ended_pod(0, result("Rejected")), complete=True)
    assert look(a_run(HELD, admitted("Running")), train=job).status.phase == "Succeeded"


def test_a_job_of_somebody_else_is_not_suspended() -> None:
    plan = look(a_run(HELD, admitted("Running")), train=a_job(owner="another"))
    assert (plan.reason, plan.action) == ("JobNameTaken", None)


def test_a_job_of_kueue_is_taken_away_and_its_attempt_is_given_back() -> None:
    run = a_run(HELD, admitted("Running", attempts=1))
    job = a_job(running_pod(), labels=QUEUE, active=1)
    plan = look(run, train=job)
    assert plan.action == DeleteJob("nightly-train-1", "uid-job")
    assert plan.status.phase == "Suspended"
    assert plan.status.attempts == 0


def test_a_rollout_that_was_not_begun_waits() -> None:
    run = a_run(SERVED, staged())
    plan = look(run, deployment=a_deployment("1"))
    assert (plan.status.phase, plan.action) == ("Suspended", None)
    assert plan.status.decision == run.status.decision
    assert look_again(run, plan, deployment=a_deployment("1")).action is None
    back = look_again(resumed(run), plan, deployment=a_deployment("1"))
    assert isinstance(back.action, Hold)  # its rollout begins; nothing is trained again


def test_a_rollout_that_was_begun_goes_on_and_says_so() -> None:
    deployment = a_deployment("2", ready_pod(version="1"), claim=UID, previous="1")
    run = a_run(SERVED, rolling())
    plan = look(run, deployment=deployment)
    assert plan.status.phase == "RollingOut"
    assert "in spite of spec.suspend" in str(plan.status.message)
    assert "1 pods" in str(plan.status.message)
    again = look_again(run, plan, deployment=deployment)
    assert again.status.message == plan.status.message


def test_a_claim_whose_record_is_not_written_yet_is_a_rollout_begun() -> None:
    deployment = a_deployment("2", claim=UID, previous="1")
    assert look(a_run(SERVED, staged()), deployment=deployment).status.phase == "RollingOut"


def test_a_promotion_goes_on() -> None:
    deployment = a_deployment("2", ready_pod(), claim=UID, previous="1")
    plan = look(a_run(SERVED, rolling(phase="Promoting")), deployment=deployment)
    assert isinstance(plan.action, CreateJob)


def test_a_rollout_is_settled_while_its_run_is_held() -> None:
    decision = {"outcome": "RolledBack", "reason": "r", "message": "m"}
    run = a_run(SERVED, rolling(decision=decision))
    deployment = a_deployment("2", claim=UID, previous="1")
    assert isinstance(look(run, deployment=deployment).action, PatchDeployment)


def test_what_waits_for_a_word_waits_on() -> None:
    spec = {**SERVED, "promotion": {"policy": "Manual"}}
    assert look(a_run(spec, awaiting())).status.phase == "AwaitingApproval"


def test_a_run_that_is_not_held_is_not_told_of_it() -> None:
    deployment = a_deployment("2", claim=UID, previous="1")
    plan = look(a_run(PREDICTOR, rolling()), deployment=deployment)
    assert "suspend" not in str(plan.status.message)
