"""From a version in every pod to a promoted one, or back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.operator.builders import (
    MANUAL,
    NOW,
    PREDICTOR,
    UID,
    Object,
    a_deployment,
    a_job,
    a_run,
    ended_pod,
    failure,
    look,
    look_again,
    refusal,
    result,
    rolling,
    running_pod,
    staged,
)
from trainer_job.contract import Progress, Stage, progress_line
from trainer_operator.reconcile import CreateJob, LetGo, PatchDeployment, Plan

RUN = a_run(PREDICTOR, rolling(phase="Promoting"))
OURS = a_deployment("2", claim=UID, previous="1")


def annotations(plan: Plan) -> Object:
    assert isinstance(plan.action, PatchDeployment)
    found: Object = plan.action.body["metadata"]["annotations"]
    return {key.removeprefix("training.sensors.dev/"): value for key, value in found.items()}


def test_the_promote_job_is_created() -> None:
    plan = look(RUN, deployment=OURS)
    assert isinstance(plan.action, CreateJob)
    assert plan.action.name.startswith("nightly-promote-")
    assert plan.status == RUN.status


def test_its_progress_is_shown() -> None:
    line = progress_line(Progress(stage=Stage.PROVING, percent=50, message="episode 3"))
    plan = look(RUN, deployment=OURS, promote=a_job(running_pod(line)))
    assert plan.status.phase == "Promoting"
    assert plan.status.message == "Proving: episode 3 (50 %)."


def test_a_promotion_is_recorded_then_the_claim_goes_then_the_run_ends() -> None:
    job = a_job(ended_pod(0, result("Promoted")), complete=True)
    decided = look(RUN, deployment=OURS, promote=job)
    assert decided.action is None
    assert decided.status.phase == "Promoting"
    assert decided.status.decision is not None
    assert decided.status.decision.outcome == "Promoted"
    release = look_again(RUN, decided, deployment=OURS)
    assert annotations(release) == {"run": None, "previous-version": None}
    end = look_again(RUN, decided, deployment=a_deployment("2"))
    assert end.action is None
    assert end.status.phase == "Succeeded"
    assert end.status.message == "Promoted: why."


def test_a_superseded_version_goes_back_and_is_a_success() -> None:
    job = a_job(ended_pod(0, result("Superseded")), complete=True)
    decided = look(RUN, deployment=OURS, promote=job)
    restore = look_again(RUN, decided, deployment=OURS)
    assert annotations(restore)["model-version"] == "1"
    end = look_again(RUN, decided, deployment=a_deployment("1"))
    assert end.status.phase == "Succeeded"


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (
            a_job(ended_pod(65, failure("WrongPredictions", "Wrong.")), failed="PodFailurePolicy"),
            "WrongPredictions",
        ),
        (a_job(failed="DeadlineExceeded"), "DeadlineExceeded"),
        (a_job(owner="another"), "JobNameTaken"),
        (a_job(ended_pod(0, result("Staged")), complete=True), "AwaitingRollout"),
    ],
)
def test_what_is_not_promoted_goes_back(job: object, reason: str) -> None:
    decided = look(RUN, deployment=OURS, promote=job)
    assert decided.status.decision is not None
    assert decided.status.decision.outcome == "RolledBack"
    assert decided.status.decision.reason == reason
    assert "goes back to version 1" in decided.status.decision.message
    assert annotations(look_again(RUN, decided, deployment=OURS)) == {
        "model-name": "sensor_failure_clustering",
        "model-version": "1",
    }
    end = look_again(RUN, decided, deployment=a_deployment("1"))
    assert end.status.phase == "Failed"
    assert end.reason == reason


def test_a_first_version_that_is_not_promoted_leaves_no_annotation() -> None:
    bare = a_deployment("2", claim=UID)
    decided = look(RUN, deployment=bare, promote=a_job(failed="DeadlineExceeded"))
    restore = look_again(RUN, decided, deployment=bare)
    assert isinstance(restore.action, PatchDeployment)
    assert annotations(restore) == {}
    assert restore.action.body["spec"]["template"]["metadata"]["annotations"] == {}


def test_a_restore_that_somebody_else_stands_in_the_way_of_gives_up_the_claim() -> None:
    decided = look(RUN, deployment=OURS, promote=a_job(failed="DeadlineExceeded"))
    plan = look_again(RUN, decided, deployment=OURS, refused=refusal("conflict"))
    assert annotations(plan) == {"run": None, "previous-version": None}


def test_a_version_that_is_not_ours_any_more_is_not_put_back() -> None:
    decided = look(RUN, deployment=OURS, promote=a_job(failed="DeadlineExceeded"))
    theirs = a_deployment("9", claim=UID, previous="1")
    plan = look_again(RUN, decided, deployment=theirs)
    assert annotations(plan) == {"run": None, "previous-version": None}


def test_a_deployment_that_is_gone_has_nothing_to_be_put_back() -> None:
    decided = look(RUN, promote=a_job(failed="DeadlineExceeded"))
    assert look_again(RUN, decided).status.phase == "Failed"


def test_a_pod_that_is_told_to_end_may_still_say_that_it_promoted() -> None:
    failing = replace(a_job(running_pod(), failed="DeadlineExceeded"), failing_since=NOW)
    waiting = look(RUN, deployment=OURS, promote=failing)
    assert waiting.reason == "JobFinishing"
    assert waiting.status.decision == RUN.status.decision
    told = replace(failing, pods=(ended_pod(0, result("Promoted")),))
    decided = look(RUN, deployment=OURS, promote=told).status.decision
    assert decided is not None
    assert decided.outcome == "Promoted"


def test_a_pod_that_does_not_end_is_not_waited_for_for_ever() -> None:
    since = NOW - timedelta(seconds=90)
    failing = replace(a_job(running_pod(), failed="DeadlineExceeded"), failing_since=since)
    decided = look(RUN, deployment=OURS, promote=failing).status.decision
    assert decided is not None
    assert decided.outcome == "RolledBack"


@pytest.mark.parametrize(
    "deployment",
    [
        a_deployment("9", claim=UID, previous="1"),
        a_deployment("2", claim=UID, previous="1", template="9"),
        a_deployment("2", claim="another"),
        a_deployment("2"),
    ],
)
def test_what_was_taken_out_of_service_is_not_asked(deployment: object) -> None:
    plan = look(RUN, deployment=deployment)
    assert plan.action is None
    assert plan.status.decision is not None
    assert (plan.status.decision.outcome, plan.reason) == ("RolledBack", "Conflict")
    last = look_again(RUN, plan, deployment=a_deployment("9", claim=UID, previous="1"))
    assert annotations(last) == {"run": None, "previous-version": None}


def test_nothing_is_asked_without_the_deployment() -> None:
    plan = look(RUN)
    assert (plan.status.phase, plan.reason, plan.action) == ("Failed", "DeploymentMissing", None)


def test_a_job_that_was_begun_is_followed_whatever_becomes_of_the_deployment() -> None:
    job = a_job(ended_pod(0, result("Promoted")), complete=True)
    decided = look(RUN, deployment=a_deployment("9"), promote=job)
    assert decided.status.decision is not None
    assert decided.status.decision.outcome == "Promoted"
    assert "names version 9" in decided.status.decision.message
    assert look_again(RUN, decided, deployment=a_deployment("9")).status.phase == "Succeeded"


@pytest.mark.parametrize(("was", "now"), [(1, 0), (0, 1)])
def test_a_deployment_that_is_scaled_before_is_looked_at_anew(was: int, now: int) -> None:
    status = rolling(phase="Promoting")
    status["rollout"]["replicas"] = was
    plan = look(
        a_run(PREDICTOR, status),
        deployment=a_deployment("2", claim=UID, previous="1", replicas=now),
    )
    assert (plan.status.phase, plan.action) == ("RollingOut", None)


def test_a_version_that_nobody_serves_stays_and_is_a_success() -> None:
    job = a_job(ended_pod(0, result("NotServing")), complete=True)
    idle = a_deployment("2", claim=UID, previous="1", replicas=0)
    decided = look(RUN, deployment=idle, promote=job)
    assert annotations(look_again(RUN, decided, deployment=idle)) == {
        "run": None,
        "previous-version": None,
    }
    end = look_again(RUN, decided, deployment=a_deployment("2", replicas=0))
    assert end.status.phase == "Succeeded"
    promoted = {each.type: each.status for each in end.status.conditions}["Promoted"]
    assert promoted == "True"


def test_the_hold_goes_once_the_deployment_is_settled() -> None:
    held = a_run(PREDICTOR, rolling(phase="Promoting"), finalizers=["training.sensors.dev/rollout"])
    job = a_job(ended_pod(0, result("Promoted")), complete=True)
    decided = look(held, deployment=OURS, promote=job)
    free = look_again(held, decided, deployment=a_deployment("2"))
    assert (free.action, free.status.phase) == (LetGo(), "Promoting")


def test_an_approved_version_without_a_predictor_is_promoted_or_fails() -> None:
    run = a_run(MANUAL, staged("Promoting"))
    assert isinstance(look(run).action, CreateJob)
    done = look(run, promote=a_job(ended_pod(0, result("Promoted")), complete=True))
    assert look_again(run, done).status.phase == "Succeeded"
    lost = look(run, promote=a_job(ended_pod(64, failure("VersionMissing")), failed="r"))
    assert (lost.status.phase, lost.reason) == ("Failed", "VersionMissing")
    assert lost.status.message == "Version 2 was not promoted: It failed."
