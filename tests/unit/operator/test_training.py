"""From an admitted run to the train Job's decision."""

from datetime import timedelta

import pytest

from tests.unit.operator.builders import (
    NOW,
    PREDICTOR,
    a_job,
    a_pod,
    a_run,
    admitted,
    ended_pod,
    failure,
    look,
    look_again,
    model,
    refusal,
    result,
    running_pod,
    time,
    waiting_pod,
)
from trainer_job import reasons as job_reasons
from trainer_job.contract import Progress, Stage, progress_line
from trainer_operator import constants
from trainer_operator.observed import Job
from trainer_operator.reconcile import CreateJob, StopJob

RUN = a_run(status=admitted())
RUNNING = a_run(status=admitted("Running", attempts=2))


def test_the_job_is_created_and_nothing_is_written_with_it() -> None:
    plan = look(RUN)
    assert isinstance(plan.action, CreateJob)
    assert plan.action.name.startswith("nightly-train-")
    assert plan.status == RUN.status


def test_a_job_that_is_gone_is_made_again() -> None:
    plan = look(RUNNING)
    assert isinstance(plan.action, CreateJob)
    assert plan.status == RUNNING.status


def test_a_job_that_is_there_is_followed() -> None:
    plan = look(RUN, train=a_job())
    assert plan.action is None
    assert plan.status.phase == "Running"
    assert plan.status.job is not None
    assert plan.status.job.name == "nightly-train-1"
    assert plan.reason == "Starting"


def test_progress_is_read_from_the_last_line_that_tells_it() -> None:
    first = progress_line(Progress(stage=Stage.READING, percent=5))
    last = progress_line(Progress(stage=Stage.CLUSTERING, percent=40, message="3 clusters"))
    plan = look(RUN, train=a_job(running_pod(first, last, "a line of somebody else")))
    assert plan.status.progress == Progress(
        stage=Stage.CLUSTERING, percent=40, message="3 clusters"
    )
    assert plan.status.message == "Clustering: 3 clusters (40 %)."
    silent = look_again(RUN, plan, train=a_job(running_pod()))
    assert silent.status.progress == plan.status.progress


def test_attempts_never_go_back() -> None:
    assert look(RUNNING, train=a_job(running_pod())).status.attempts == 2
    three = [running_pod(name=name) for name in "abc"]
    assert look(RUNNING, train=a_job(*three)).status.attempts == 3


@pytest.mark.parametrize("outcome", ["Rejected", "Skipped", "Promoted", "Superseded"])
def test_a_decision_ends_the_run(outcome: str) -> None:
    job = a_job(ended_pod(0, result(outcome)), complete=True)
    for run in (RUN, a_run(PREDICTOR, admitted("Running"))):
        plan = look(run, train=job)
        assert plan.status.phase == "Succeeded"
        assert plan.status.completion_time == NOW
        assert plan.status.decision is not None
        assert plan.status.decision.outcome == outcome
        assert plan.status.message == f"{outcome}: why."
        assert plan.status.progress is None


def test_a_staged_version_goes_on_to_its_rollout() -> None:
    job = a_job(ended_pod(0, result("Staged")), complete=True)
    plan = look(a_run(PREDICTOR, admitted("Running")), train=job)
    assert plan.status.phase == "RollingOut"
    assert plan.status.model is not None
    assert plan.status.model.version == "2"
    assert plan.status.completion_time is None


@pytest.mark.parametrize("spec", [{}, {**PREDICTOR, "promotion": {"policy": "Never"}}])
def test_a_staged_version_that_nobody_rolls_out_is_the_end(spec: dict[str, object]) -> None:
    job = a_job(ended_pod(0, result("Staged")), complete=True)
    assert look(a_run(spec, admitted("Running")), train=job).status.phase == "Succeeded"


@pytest.mark.parametrize("reason", ["Inconclusive", "ModesLost"])
def test_a_version_that_a_gate_leaves_to_people_is_not_rolled_out(reason: str) -> None:
    why = {"outcome": "Staged", "reason": reason, "message": "See the lost mode."}
    job = a_job(ended_pod(0, result("Staged", decision=why)), complete=True)
    plan = look(a_run(PREDICTOR, admitted("Running")), train=job)
    assert plan.status.phase == "Succeeded"
    assert plan.status.message == "See the lost mode."
    assert plan.action is None


@pytest.mark.parametrize("name", ["AWAITING_ROLLOUT", "PROMOTION_DISABLED"])
def test_the_jobs_reasons_are_known_by_the_same_names(name: str) -> None:
    assert getattr(constants, name) == getattr(job_reasons, name)


def test_a_decision_of_an_earlier_attempt_counts_whatever_came_after() -> None:
    pods = (
        ended_pod(0, result("Rejected"), name="a", age=30),
        ended_pod(143, failure("Terminated"), name="b", age=5),
    )
    plan = look(RUN, train=a_job(*pods, failed="DeadlineExceeded"))
    assert plan.status.phase == "Succeeded"


def test_a_result_is_found_in_the_log_where_the_message_was_lost() -> None:
    job = a_job(ended_pod(0, "", log=("…", result("Rejected"))), complete=True)
    assert look(RUN, train=job).status.phase == "Succeeded"


def test_a_result_that_names_another_run_is_not_ours() -> None:
    job = a_job(ended_pod(0, result("Promoted", uid="another")), complete=True)
    plan = look(RUN, train=job)
    assert plan.status.phase == "Failed"
    assert plan.reason == "NoResult"
    assert plan.status.model is None


def test_a_failed_attempt_is_told_while_the_job_tries_again() -> None:
    job = a_job(ended_pod(69, failure("TrackingUnavailable", "No answer.")))
    plan = look(RUN, train=job)
    assert plan.status.phase == "Running"
    assert plan.reason == "Retrying"
    assert "No answer." in str(plan.status.message)


@pytest.mark.parametrize("phase", ["Pending", "Running"])
def test_a_job_of_somebody_else_is_not_adopted(phase: str) -> None:
    job = a_job(ended_pod(0, result("Promoted")), complete=True, owner="another")
    plan = look(a_run(status=admitted(phase)), train=job)
    assert plan.reason == "JobNameTaken"
    assert plan.status.phase == "Failed"
    assert plan.status.job is None


def test_a_job_that_is_being_deleted_is_waited_for() -> None:
    plan = look(RUN, train=a_job(deletionTimestamp=time()))
    assert plan.action is None
    assert plan.status.phase == "Running"
    assert plan.reason == "JobEnding"


def test_a_job_that_ended_counts_also_while_it_is_being_deleted() -> None:
    job = a_job(ended_pod(0, result("Rejected")), complete=True, deletionTimestamp=time())
    assert look(RUN, train=job).status.phase == "Succeeded"


def test_a_refused_job_is_tried_again_for_a_while() -> None:
    plan = look(RUN, refused=refusal("exceeded quota: compute"))
    assert plan.action is None
    assert plan.status.phase == "Pending"
    assert "exceeded quota: compute." in str(plan.status.message)
    again = look_again(RUN, plan)
    assert isinstance(again.action, CreateJob)
    assert again.status == plan.status  # no writing to and fro


def test_a_refused_job_fails_the_run_in_the_end() -> None:
    old = a_run(status=admitted(startTime=time(301)))
    assert look(old, refused=refusal("exceeded quota")).reason == "QuotaExceeded"
    assert look(old, refused=refusal("not allowed here")).reason == "JobRefused"
    for_good = look(RUN, refused=refusal("spec.x: Invalid", for_good=True))
    assert for_good.status.phase == "Failed"
    assert "spec.x: Invalid" in str(for_good.status.message)


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        ("ErrImagePull", "spec.job.image"),
        ("ImagePullBackOff", "spec.job.image"),
        ("ErrImageNeverPull", "spec.job.imagePullPolicy"),
        ("InvalidImageName", "spec.job.image"),
        ("CreateContainerConfigError", "spec.database.secretRef"),
        ("CreateContainerError", "spec.job"),
    ],
)
def test_what_never_fails_a_job_stops_it_after_a_while(reason: str, field: str) -> None:
    young = look(RUN, train=a_job(waiting_pod(reason, "the cause", age=299)))
    assert young.action is None
    assert "the cause" in str(young.status.message)
    plan = look(RUN, train=a_job(waiting_pod(reason, "the cause", age=300)))
    assert plan.status.phase == "Running"
    assert isinstance(plan.action, StopJob)
    assert plan.action.why.reason == reason
    for word in (reason, "the cause.", field, "5m", "pod-1"):
        assert word in plan.action.why.message


def test_a_pod_that_merely_starts_is_not_stopped() -> None:
    for reason in ("ContainerCreating", "PodInitializing"):
        plan = look(RUN, train=a_job(waiting_pod(reason, age=9999)))
        assert plan.action is None
        assert plan.reason == "Starting"


def test_a_stopped_job_fails_the_run_with_what_is_written_on_it() -> None:
    marks = {
        "training.sensors.dev/stop-reason": "ImagePullBackOff",
        "training.sensors.dev/stop-message": "No such image.",
    }
    plan = look(RUN, train=a_job(annotations=marks))
    assert plan.status.phase == "Failed"
    assert plan.reason == "ImagePullBackOff"
    assert plan.status.message == "No such image."


def test_a_job_that_can_make_no_pod_is_stopped_after_a_while() -> None:
    said = 'pods "x" is forbidden: violates PodSecurity "restricted:latest"'
    assert look(RUN, train=a_job(refused=said, age=10)).reason == "NotStartedYet"
    plan = look(RUN, train=a_job(refused=said, age=300))
    assert isinstance(plan.action, StopJob)
    assert plan.action.why.reason == "PodSecurityForbidden"
    assert said in plan.action.why.message


def test_scores_are_written_with_three_digits_as_kubectl_prints_them_all() -> None:
    told = {**model(), "silhouette": 0.2170438, "f1": 0.81278}
    pod = ended_pod(message=result("Rejected", model=told))
    plan = look(RUN, train=a_job(pod, complete=True))
    assert plan.status.model is not None
    assert (plan.status.model.silhouette, plan.status.model.f1) == (0.217, 0.813)


@pytest.mark.parametrize(
    ("job", "written"),
    [
        (a_job(age=9), False),
        (a_job(age=10), True),
        (a_job(waiting_pod("ContainerCreating"), age=9), False),
        (a_job(a_pod(state={"running": {"startedAt": time(0)}}), age=99), False),
        (a_job(a_pod(state={"running": {"startedAt": time(1)}}), age=1), True),
        (a_job(ended_pod(69, failure("TrackingUnavailable")), age=0), True),
        (a_job(waiting_pod("ImagePullBackOff"), age=0), True),
    ],
)
def test_a_state_is_written_once_it_lasts_or_when_something_is_wrong(
    job: Job, written: bool
) -> None:
    plan = look(RUN, train=job)
    assert (plan.status.phase == "Running") is written
    if not written:
        assert plan.status == RUN.status
        assert plan.again is not None
        assert timedelta(0) < plan.again <= timedelta(seconds=1)


def test_what_runs_already_is_not_held_back() -> None:
    plan = look(RUNNING, train=a_job(age=0))
    assert plan.reason == "Starting"
