"""Raw objects as views."""

from datetime import timedelta

import pytest

from tests.unit.operator.builders import (
    NOW,
    UID,
    Object,
    a_job,
    a_pod,
    a_run,
    ended_pod,
    raw_run,
    running_pod,
    time,
)
from trainer_job.contract import Failure
from trainer_operator.models import TrainingRun
from trainer_operator.observed import Deployment, Job, Pod
from trainer_operator.observer import label_selector


def a_raw_job(*conditions: Object, **status: object) -> Object:
    return {
        "metadata": {"name": "j", "uid": "u", "creationTimestamp": time()},
        "status": {"conditions": list(conditions), **status},
    }


@pytest.mark.parametrize(
    ("kind", "status", "ended"),
    [
        ("Complete", "True", True),
        ("SuccessCriteriaMet", "True", True),
        ("Failed", "True", True),
        ("FailureTarget", "True", True),
        ("Failed", "False", False),
        ("Suspended", "True", False),
    ],
)
def test_the_end_of_a_job_is_seen_as_soon_as_it_is_certain(
    kind: str, status: str, ended: bool
) -> None:
    job = Job.read(a_raw_job({"type": kind, "status": status, "reason": "r"}))
    assert job.ended is ended
    assert job.complete is (ended and kind in {"Complete", "SuccessCriteriaMet"})


def test_a_job_that_fails_is_through_with_its_pods_only_in_the_end() -> None:
    target = {"type": "FailureTarget", "status": "True", "lastTransitionTime": time()}
    assert Job.read(a_raw_job(target)).failing_since == NOW
    assert Job.read(a_raw_job(target, {"type": "Failed", "status": "True"})).failing_since is None


def test_attempts_are_all_that_began() -> None:
    assert Job.read(a_raw_job(active=1, failed=2)).attempts == 3
    assert Job.read(a_raw_job()).attempts == 0


def test_a_job_has_an_owner_only_if_it_is_controlled() -> None:
    raw = a_raw_job()
    raw["metadata"]["ownerReferences"] = [{"uid": UID}]
    assert Job.read(raw).owner is None
    raw["metadata"]["ownerReferences"] = [{"uid": UID, "controller": True}]
    assert Job.read(raw).owner == UID


def test_pods_are_in_the_order_of_their_making() -> None:
    job = a_job(a_pod("young", age=1), a_pod("old", age=9), a_pod("middle", age=5))
    assert [pod.name for pod in job.pods] == ["old", "middle", "young"]


def test_a_pod_without_a_node_waits_for_one() -> None:
    scheduled = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "no room",
    }
    pod = a_pod(conditions=(scheduled,))
    assert pod.waiting is not None
    assert pod.waiting.reason == "Unschedulable"
    assert a_pod(conditions=({**scheduled, "status": "True"},)).waiting is None


def test_a_pod_that_is_brand_new_can_be_viewed() -> None:
    pod = Pod.read({"metadata": {"name": "p", "uid": "u", "creationTimestamp": time()}})
    assert pod.phase == "Pending"
    assert not pod.ready


def test_a_pod_tells_where_and_since_when_it_runs() -> None:
    started = {"startedAt": time(7)}
    for state in ({"running": started}, {"terminated": {"exitCode": 0, **started}}):
        pod = a_pod(state=state, node="node-1")
        assert (pod.node, pod.started) == ("node-1", NOW - timedelta(seconds=7))
    assert a_pod(state={"waiting": {}}).started is None


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"reason": "Evicted", "message": "disk"}, Failure(reason="Evicted", message="disk")),
        ({"reason": "NodeLost", "message": "m"}, None),
        ({}, None),
    ],
)
def test_an_eviction_by_the_kubelet_is_seen(status: Object, why: Failure | None) -> None:
    assert a_pod(**status).evicted == why


@pytest.mark.parametrize(("true", "seen"), [("True", True), ("False", False)])
def test_a_disruption_is_seen(true: str, seen: bool) -> None:
    disrupted = {
        "type": "DisruptionTarget",
        "status": true,
        "reason": "PreemptionByScheduler",
        "message": "m",
    }
    why = Failure(reason="PreemptionByScheduler", message="m")
    assert a_pod(conditions=(disrupted,)).evicted == (why if seen else None)


def test_pods_that_are_told_to_end_and_do_not_are_leaving() -> None:
    stuck = running_pod(name="stuck", deleting=-20)
    job = a_job(stuck, running_pod(name="runs"), ended_pod(name="ended", deleting=5))
    assert job.leaving == (stuck,)
    assert stuck.deleting_since == NOW + timedelta(seconds=20)


def test_a_job_says_whether_it_is_held_and_by_which_queue() -> None:
    held = a_job(suspended=True, labels={"kueue.x-k8s.io/queue-name": "nightly"})
    assert (held.suspended, held.queue, held.started) == (True, "nightly", None)
    free = a_job(age=20)
    assert (free.suspended, free.queue) == (False, None)
    assert free.started == NOW - timedelta(seconds=20)
    assert (free.uid, free.resource_version) == ("uid-job", "50")


def test_a_run_says_whether_it_is_held() -> None:
    assert not a_run().held
    assert not a_run(finalizers=["foregroundDeletion"]).held
    run = a_run(finalizers=["foregroundDeletion", "training.sensors.dev/rollout"])
    assert run.held
    assert (run.resource_version, run.created) == ("100", NOW - timedelta(seconds=90))


@pytest.mark.parametrize(
    ("spec", "labels", "queue"),
    [
        ({}, None, None),
        ({}, {"kueue.x-k8s.io/queue-name": "a"}, "a"),
        ({"job": {"labels": {"kueue.x-k8s.io/queue-name": "b"}}}, {}, "b"),
        (
            {"job": {"labels": {"kueue.x-k8s.io/queue-name": "b"}}},
            {"kueue.x-k8s.io/queue-name": "a"},
            "b",
        ),
        ({}, {"kueue.x-k8s.io/queue-name": ""}, None),
    ],
)
def test_the_queue_of_kueue_stands_on_the_run_or_in_its_spec(
    spec: Object, labels: Object | None, queue: str | None
) -> None:
    assert a_run(spec, labels=labels).kueue_queue == queue


def test_a_deployment_that_is_brand_new_can_be_viewed() -> None:
    raw = {
        "metadata": {"name": "d", "uid": "u", "resourceVersion": "1"},
        "spec": {"template": {"metadata": {}}},
    }
    deployment = Deployment.read(raw)
    assert deployment.wanted == 1
    assert deployment.claim is deployment.version is deployment.template_version is None


def test_a_status_of_another_release_can_be_read() -> None:
    raw = raw_run(status={"observedGeneration": 1, "phase": "Running", "later": {"new": 1}})
    assert TrainingRun.read(raw).status.phase == "Running"


@pytest.mark.parametrize(
    ("selector", "query"),
    [
        ({"matchLabels": {"a": "1", "b": "2"}}, "a=1,b=2"),
        (
            {
                "matchExpressions": [
                    {"key": "a", "operator": "In", "values": ["1", "2"]},
                    {"key": "b", "operator": "NotIn", "values": ["3"]},
                    {"key": "c", "operator": "Exists"},
                    {"key": "d", "operator": "DoesNotExist"},
                ]
            },
            "a in (1,2),b notin (3),c,!d",
        ),
    ],
)
def test_a_selector_becomes_a_query(selector: Object, query: str) -> None:
    assert label_selector(selector) == query
