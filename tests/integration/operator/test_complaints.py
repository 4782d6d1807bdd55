"""What people complain of in operators like this one, each as a test by its number."""

import json
from collections.abc import Callable

import pytest

from tests.integration.operator.plant import (
    KEY,
    Object,
    Plant,
    condition,
    failure,
    result,
)
from tests.integration.operator.process import Operator

ONCE: Object = {"retry": {"limit": 0}}


def complete(plant: Plant) -> bool:
    conditions = plant.job()["status"].get("conditions", ())
    return any(each["type"] == "Complete" for each in conditions)


def pods(plant: Plant, task: str = "train") -> list[Object]:
    found: list[Object] = plant.kubectl.get("pods", f"--selector={KEY}/task={task}")["items"]
    return found


@pytest.mark.parametrize("how", ["ttl", "by hand"])
def test_01_a_finished_run_is_not_executed_again(
    plant: Plant, operator: Operator, how: str
) -> None:
    uid = plant.apply("over")
    plant.end(message=result(uid, "Rejected"))
    before = plant.finish("over")
    name = plant.job()["metadata"]["name"]
    if how == "ttl":
        patch = json.dumps({"spec": {"ttlSecondsAfterFinished": 0}})
        plant.kubectl("patch", "job", name, "--type=merge", f"--patch={patch}")
    else:
        plant.kubectl("delete", "job", name, "--timeout=30s")
    plant.eventually(lambda: not plant.jobs(), "the Job is gone")
    operator.restart()
    plant.apply("later")  # served by the new operator, so it has looked at everything
    plant.wait("later", "Running")
    assert [job["metadata"]["annotations"][f"{KEY}/run-name"] for job in plant.jobs()] == ["later"]
    assert plant.status("over") == before


def test_02_a_lost_pod_is_tried_again(plant: Plant) -> None:
    uid = plant.apply("lost", {"retry": {"limit": 1}})
    first = plant.pod()["metadata"]
    plant.wait("lost", "Running")
    plant.kubectl("delete", "pod", first["name"], "--force", "--grace-period=0")

    def another() -> bool:
        return any(pod["metadata"]["uid"] != first["uid"] for pod in pods(plant))

    plant.eventually(another, "another attempt")
    plant.end(message=result(uid, "Rejected"))
    assert plant.finish("lost")["phase"] == "Succeeded"


def test_02_a_pod_on_a_lost_node_is_given_up(plant: Plant) -> None:
    plant.apply("gone", ONCE)
    name, node = plant.pod()["metadata"]["name"], f"node-of-{plant.kubectl.namespace}"
    meta = {"name": node}
    plant.kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": meta}))
    bind(plant, name, node)
    plant.set_status("pod", name, {"phase": "Running"})
    plant.kubectl("delete", "pod", name, "--grace-period=1", "--wait=false")
    path = "--for=condition=Finished"
    plant.kubectl("wait", "trainingrun/gone", path, "--timeout=120s")
    status = plant.status("gone")
    plant.kubectl("delete", "node", node)
    assert condition(status, "Stalled")["reason"] == "NodeLost"
    for word in (name, node):
        assert word in status["message"]
    plant.eventually(lambda: not plant.jobs(), "its Job makes no other pod")


def bind(plant: Plant, pod: str, node: str) -> None:
    """Place a pod as the scheduler does."""
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": pod},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }
    path = f"/api/v1/namespaces/{plant.kubectl.namespace}/pods/{pod}/binding"
    plant.kubectl("create", f"--raw={path}", "--filename=-", stdin=json.dumps(binding))


def test_03_success_whose_pod_vanished_is_a_success(plant: Plant, operator: Operator) -> None:
    uid = plant.apply("vanished")
    plant.wait("vanished", "Running")
    operator.kill()
    plant.end(message=result(uid, "Promoted"))
    plant.eventually(lambda: complete(plant), "the Job is complete")
    (pod,) = pods(plant)
    plant.kubectl("delete", "pod", pod["metadata"]["name"], "--force", "--grace-period=0")
    operator.start()
    (container,) = plant.pod("recall")["spec"]["containers"]
    assert container["args"] == ["recall"]
    assert plant.status("vanished")["phase"] == "Running"
    plant.end("recall", result(uid, "Promoted"))
    status = plant.finish("vanished")
    assert status["decision"]["outcome"] == "Promoted"
    assert status["job"]["name"] == plant.job()["metadata"]["name"]
    assert len(plant.jobs()) == 1


def _waits(reason: str) -> Callable[[Plant, str], object]:
    return lambda plant, uid: plant.hold(reason, "as the kubelet says")


def _ends(**how: object) -> Callable[[Plant, str], object]:
    return lambda plant, uid: plant.end(**how)  # type: ignore[arg-type]


def _evicts(plant: Plant, uid: str) -> None:
    status = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}
    plant.set_status("pod", plant.pod()["metadata"]["name"], status)


def _nothing(plant: Plant, uid: str) -> None:
    pass


def _quota(plant: Plant) -> None:
    hard = {"hard": {"pods": "0"}}
    meta = {"name": "none"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": hard}
    plant.kubectl.apply(json.dumps(quota))


def _limits(plant: Plant) -> None:
    limits = {"limits": [{"type": "Container", "max": {"memory": "10Mi"}}]}
    meta = {"name": "small"}
    kind = {"apiVersion": "v1", "kind": "LimitRange", "metadata": meta, "spec": limits}
    plant.kubectl.apply(json.dumps(kind))


CAUSES: dict[str, tuple[Object, Callable[[Plant], object], Callable[[Plant, str], object]]] = {
    "ImagePullBackOff": ({}, lambda plant: None, _waits("ImagePullBackOff")),
    "ErrImageNeverPull": ({}, lambda plant: None, _waits("ErrImageNeverPull")),
    "CreateContainerConfigError": ({}, lambda plant: None, _waits("CreateContainerConfigError")),
    "OOMKilled": (ONCE, lambda plant: None, _ends(exit_code=137, reason="OOMKilled")),
    "AttemptFailed": (ONCE, lambda plant: None, _ends(exit_code=139)),
    "NoResult": ({}, lambda plant: None, _ends()),
    "DeadlineExceeded": ({"activeDeadline": "1s"}, lambda plant: None, _nothing),
    "Evicted": (ONCE, lambda plant: None, _evicts),
    "QuotaExceeded": ({}, _quota, _nothing),
    "LimitRangeForbidden": ({}, _limits, _nothing),
    "BadCredentials": (
        {},
        lambda plant: None,
        lambda plant, uid: plant.end(
            message=failure(uid, "BadCredentials", "Wrong password."), exit_code=64
        ),
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_04_the_cause_is_shown(plant: Plant, cause: str) -> None:
    spec, prepare, play = CAUSES[cause]
    prepare(plant)
    uid = plant.apply("failing", spec)
    play(plant, uid)
    status = plant.finish("failing")
    assert status["phase"] == "Failed"
    for kind in ("Stalled", "Finished"):
        assert condition(status, kind)["reason"] == cause
    assert status["message"] == condition(status, "Stalled")["message"]


@pytest.mark.parametrize("play", [_evicts, _ends(exit_code=137, reason="OOMKilled")])
def test_05_oom_or_eviction_is_no_success(
    plant: Plant, play: Callable[[Plant, str], object]
) -> None:
    uid = plant.apply("killed", ONCE)
    play(plant, uid)
    status = plant.finish("killed")
    assert status["phase"] == "Failed"
    assert condition(status, "Ready")["status"] == "False"
    assert "decision" not in status


def test_07_a_retry_reads_the_new_pod(plant: Plant) -> None:
    uid = plant.apply("retried", {"retry": {"limit": 1}})
    plant.end(message=failure(uid, "DatabaseUnavailable", "No database."), exit_code=69)
    plant.end(message=result(uid, "Rejected"))  # it takes the one that has not ended
    status = plant.finish("retried")
    assert status["decision"]["outcome"] == "Rejected"
    assert status["attempts"] == 2


def test_08_a_deadline_before_a_delete_leaves_no_pod(plant: Plant) -> None:
    plant.apply("late", {"activeDeadline": "1s"})
    plant.finish("late")
    plant.kubectl("delete", "trainingrun", "late", "--timeout=60s")
    plant.eventually(lambda: not plant.jobs() and not pods(plant), "neither Job nor pod")


def test_09_the_columns_agree_with_the_phase_at_each_point(plant: Plant) -> None:
    def agree(phase: str) -> None:
        plant.wait("shown", phase)
        table = plant.kubectl("get", "trainingrun", "shown").splitlines()
        header, row = table[0].split(), table[1].split()
        assert row[header.index("PHASE")] == phase == plant.status("shown")["phase"]

    uid = plant.apply("shown", {"suspend": True})
    agree("Suspended")
    patch = json.dumps({"spec": {"suspend": False}})
    plant.kubectl("patch", "trainingrun", "shown", "--type=merge", f"--patch={patch}")
    agree("Running")
    plant.end(message=result(uid, "Rejected"))
    agree("Succeeded")


def test_10_conditions_while_pending_running_and_refused(plant: Plant) -> None:
    hard = {"hard": {"count/jobs.batch": "0"}}
    meta = {"name": "none"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": hard}

    def counted() -> bool:
        return "hard" in plant.kubectl.get("resourcequota", "none").get("status", {})

    def all_there(status: Object, reconciling: str) -> None:
        kinds = {each["type"] for each in status["conditions"]}
        assert kinds >= {"Reconciling", "Stalled", "Ready", "Finished", "Trained", "Promoted"}
        assert condition(status, "Reconciling")["status"] == reconciling
        assert all(each["observedGeneration"] == 1 for each in status["conditions"])

    plant.apply("running")
    all_there(plant.wait("running", "Running"), "True")
    plant.kubectl.apply(json.dumps(quota))
    plant.eventually(counted, "the quota is in force")
    plant.apply("refused")
    all_there(plant.wait("refused", "Pending"), "True")
    status = plant.finish("refused")
    all_there(status, "False")
    assert condition(status, "Stalled")["reason"] == "QuotaExceeded"
    assert "exceeded quota" in condition(status, "Stalled")["message"]


def test_11_finished_runs_are_collected_after_their_ttl(plant: Plant) -> None:
    uid = plant.apply("short", {"ttlAfterFinished": "2s"})
    kept = plant.apply("kept")
    for each in (uid, kept):
        plant.end(message=result(each, "Rejected"), uid=each)

    def gone() -> bool:
        names = [run["metadata"]["name"] for run in plant.kubectl.get("trainingruns")["items"]]
        return names == ["kept"]

    plant.eventually(gone, "the run is collected")
    plant.eventually(lambda: len(plant.jobs()) == 1, "its Job with it")
    patch = json.dumps({"spec": {"ttlAfterFinished": "1s"}})
    plant.kubectl("patch", "trainingrun", "kept", "--type=merge", f"--patch={patch}")
    plant.eventually(lambda: not plant.kubectl.get("trainingruns")["items"], "the other, too")


def test_12_a_status_stays_small(plant: Plant) -> None:
    uid = plant.apply("talkative", ONCE)
    said = failure(uid, "InternalError", "ß" * 12_000)
    plant.end(message=said, exit_code=70)
    status = plant.finish("talkative")
    assert condition(status, "Stalled")["reason"] == "InternalError"
    assert status["message"].endswith("…")
    assert len(json.dumps(status, ensure_ascii=False).encode()) < 32 * 1024
