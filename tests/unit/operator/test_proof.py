"""Each pod runs the version, or something is lacking."""

from typing import Any

import pytest

from tests.unit.operator.builders import (
    a_deployment,
    ready_pod,
    running_pod,
    waiting_pod,
)
from trainer_operator.reconcile.proof import lacking


def test_a_version_in_every_pod_is_proven() -> None:
    assert lacking(a_deployment("2", ready_pod()), "2") is None
    two = a_deployment("2", ready_pod("a"), ready_pod("b"), replicas=2)
    assert lacking(two, "2") is None


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 2},
        {"updatedReplicas": 0},
        {"replicas": 2},
        {"availableReplicas": 0},
    ],
)
def test_each_count_has_to_agree(status: dict[str, int]) -> None:
    assert lacking(a_deployment("2", ready_pod(), status=status), "2") is not None


def test_the_old_pod_that_serves_is_not_taken_for_the_new_one() -> None:
    old = a_deployment("2", ready_pod(version="1"))
    assert lacking(old, "2") == "0 of 1 pods of sensor-predictor serve it."
    both = a_deployment("2", ready_pod("a"), ready_pod("b", version="1"))
    assert lacking(both, "2") is not None


@pytest.mark.parametrize(
    ("deployment", "words"),
    [
        ({"replicas": 0}, "scaled to 0"),
        ({"paused": True}, "paused"),
    ],
)
def test_what_cannot_become_true_by_itself_is_named(deployment: dict[str, Any], words: str) -> None:
    assert words in str(lacking(a_deployment("2", **deployment), "2"))


def test_the_pods_own_message_is_shown() -> None:
    pod = waiting_pod("ImagePullBackOff", "no such image", version="2")
    text = lacking(a_deployment("2", pod, ready_pod(version="1")), "2")
    assert "Pod pod-1: ImagePullBackOff: no such image." in str(text)
    starting = a_deployment("2", running_pod(version="2"))
    assert "Pod pod-1 is not ready." in str(lacking(starting, "2"))


def test_a_replica_set_that_can_make_no_pod_is_shown() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    text = lacking(a_deployment("2", status={"conditions": [failure]}), "2")
    assert "FailedCreate: exceeded quota." in str(text)
