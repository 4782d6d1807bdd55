"""A Job that ended and whose pods are gone."""

from typing import Any

import pytest

from tests.unit.operator.builders import (
    PREDICTOR,
    UID,
    a_deployment,
    a_job,
    a_run,
    admitted,
    ended_pod,
    failure,
    look,
    look_again,
    ready_pod,
    refusal,
    result,
    rolling,
    running_pod,
    time,
)
from trainer_operator.observed import Job
from trainer_operator.reconcile import CreateJob, DeleteJob, ReadAgain

RUN = a_run(status=admitted("Running", attempts=1))
SUCCEEDED = a_job(complete=True)
FAILED = a_job(failed="BackoffLimitExceeded")
RECALL = "nightly-recall-1"


def recall(*pods: object, **more: object) -> Job:
    return a_job(*pods, name=RECALL, **more)  # type: ignore[arg-type]


def test_a_stale_view_decides_nothing() -> None:
    plan = look(RUN, train=SUCCEEDED, fresh=False)
    assert isinstance(plan.action, ReadAgain)
    assert plan.status.phase == "Running"
    assert plan.reason is None


@pytest.mark.parametrize("job", [SUCCEEDED, FAILED])
def test_the_records_are_asked(job: Job) -> None:
    plan = look(RUN, train=job)
    assert isinstance(plan.action, CreateJob)
    assert plan.action.name.startswith("nightly-recall-")
    assert (plan.status.phase, plan.reason) == ("Running", "Recalling")
    waiting = look_again(RUN, plan, train=job, recall=recall(running_pod()))
    assert waiting.action is None
    assert waiting.status == plan.status


@pytest.mark.parametrize("outcome", ["Promoted", "Rejected", "Skipped"])
def test_what_they_hold_is_the_decision(outcome: str) -> None:
    told = recall(ended_pod(0, result(outcome)), complete=True)
    plan = look(RUN, train=SUCCEEDED, recall=told)
    assert plan.status.phase == "Succeeded"
    assert plan.status.decision is not None
    assert plan.status.decision.outcome == outcome
    assert plan.status.job is not None
    assert plan.status.job.name == "nightly-train-1"


def test_a_version_that_was_staged_rolls_out() -> None:
    told = recall(ended_pod(0, result("Staged")), complete=True)
    run = a_run(PREDICTOR, admitted("Running"))
    plan = look(run, train=SUCCEEDED, recall=told, deployment=a_deployment("1"))
    assert plan.status.phase == "RollingOut"


def test_what_they_do_not_hold_failed_as_the_job_says() -> None:
    told = recall(ended_pod(64, failure("NoRecord", "No decision.")), failed="PodFailurePolicy")
    plan = look(RUN, train=FAILED, recall=told)
    assert (plan.status.phase, plan.reason) == ("Failed", "NoResult")
    for word in ("BackoffLimitExceeded", "No decision."):
        assert word in str(plan.status.message)


def test_a_refused_recall_fails_in_the_end() -> None:
    plan = look(RUN, train=SUCCEEDED, refused=refusal("no", for_good=True))
    assert (plan.status.phase, plan.reason) == ("Failed", "NoResult")


def test_a_job_that_its_deadline_ended_has_no_pods_by_itself() -> None:
    plan = look(RUN, train=a_job(failed="DeadlineExceeded"))
    assert (plan.status.phase, plan.reason) == ("Failed", "DeadlineExceeded")


def test_a_pod_that_is_there_and_silent_is_believed() -> None:
    assert look(RUN, train=a_job(ended_pod(0), complete=True)).reason == "NoResult"


@pytest.mark.parametrize("deleting", [False, True])
def test_a_check_is_simply_made_anew(deleting: bool) -> None:
    run = a_run({"source": {"modelVersion": "7"}, **PREDICTOR}, admitted("Running"))
    meta: dict[str, Any] = {"deletionTimestamp": time()} if deleting else {}
    plan = look(run, train=a_job(complete=True, **meta), deployment=a_deployment("1"))
    assert plan.reason == "JobEnding"
    assert plan.action == (None if deleting else DeleteJob("nightly-train-1", "uid-job"))


def test_so_is_a_promotion_which_finds_what_it_did() -> None:
    run = a_run(PREDICTOR, rolling(phase="Promoting"))
    deployment = a_deployment("2", ready_pod(), claim=UID, previous="1")
    plan = look(run, promote=a_job(complete=True), deployment=deployment)
    assert plan.action == DeleteJob("nightly-train-1", "uid-job")
