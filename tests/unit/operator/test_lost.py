"""Pods whose node does not answer."""

import pytest

from tests.unit.operator.builders import (
    PREDICTOR,
    UID,
    Object,
    a_deployment,
    a_job,
    a_run,
    admitted,
    ended_pod,
    look,
    look_again,
    ready_pod,
    rolling,
    running_pod,
)
from trainer_operator.reconcile import CreateJob, DeleteJob

DELETE = DeleteJob("nightly-train-1", "uid-job")


def retries(limit: int) -> Object:
    return {"retry": {"limit": limit}}


def test_a_pod_may_take_its_grace_period_and_a_minute_to_end() -> None:
    pod = running_pod(deleting=59, node="n1")
    plan = look(a_run(status=admitted("Running")), train=a_job(pod))
    assert plan.action is None
    assert plan.reason == "JobRunning"


def test_its_job_is_made_anew_where_an_attempt_is_left() -> None:
    run = a_run(retries(1), admitted("Running"))
    plan = look(run, train=a_job(running_pod(deleting=60, node="n1")))
    assert plan.action == DELETE
    assert plan.reason == "PodLostRetrying"
    assert plan.status.phase == "Running"
    for word in ("pod-1", "n1", "nightly-train-1"):
        assert word in str(plan.status.message)
    following = look_again(run, plan)
    assert isinstance(following.action, CreateJob)
    manifest = following.action.manifest
    assert manifest["metadata"]["annotations"]["training.sensors.dev/attempts-before"] == "1"
    assert manifest["spec"]["backoffLimit"] == 0  # the second attempt is the last


def test_the_attempts_of_the_job_before_count() -> None:
    run = a_run(retries(1), admitted("Running", attempts=1))
    marks = {"training.sensors.dev/attempts-before": "1"}
    job = a_job(running_pod(deleting=60, node="n1"), annotations=marks)
    plan = look(run, train=job)
    assert (plan.status.phase, plan.reason) == ("Failed", "NodeLost")
    assert plan.status.attempts == 2
    assert plan.action == DELETE  # or it would go on, should the node come back


@pytest.mark.parametrize("limit", [0, 3])
def test_a_pod_that_ended_is_not_lost(limit: int) -> None:
    pod = ended_pod(143, deleting=600)
    plan = look(a_run(retries(limit), admitted("Running")), train=a_job(pod))
    assert plan.action is None
    assert plan.status.phase == "Running"


def test_a_promote_job_is_made_anew_too() -> None:
    run = a_run(PREDICTOR, rolling(phase="Promoting"))
    deployment = a_deployment("2", ready_pod(), claim=UID, previous="1")
    job = a_job(running_pod(deleting=60), name="nightly-promote-1")
    plan = look(run, promote=job, deployment=deployment)
    assert plan.action == DeleteJob("nightly-promote-1", "uid-job")
