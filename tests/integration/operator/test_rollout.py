"""From a staged version to one in service, and back where it is not proven."""

from datetime import UTC, datetime
from typing import Any

from tests.integration.operator.plant import (
    MODEL,
    Plant,
    condition,
    failure,
    result,
)
from tests.integration.operator.process import Operator

PREDICTOR: dict[str, Any] = {"predictor": {"deployment": "sensor-predictor"}}
HASTY: dict[str, Any] = {"predictor": {"deployment": "sensor-predictor", "timeout": "4s"}}


def staged(plant: Plant, name: str, spec: dict[str, Any], version: str = "2") -> str:
    uid = plant.apply(name, spec)
    plant.end(message=result(uid, "Staged", version))
    return uid


def claimed(plant: Plant, uid: str) -> dict[str, str]:
    def ours() -> dict[str, str] | None:
        found = plant.annotations()
        return found if found.get("run") == uid else None

    return plant.eventually(ours, f"the claim of {uid}")


def test_a_version_is_rolled_out_proven_and_promoted(plant: Plant) -> None:
    plant.create_predictor(version="1")
    uid = staged(plant, "good", PREDICTOR)
    assert claimed(plant, uid) == {
        "model-name": MODEL,
        "model-version": "2",
        "run": uid,
        "previous-version": "1",
    }
    assert plant.jobs("promote") == []  # not before it is in service
    plant.serve("2")
    status = plant.wait("good", "Promoting")
    assert status["rollout"]["fromVersion"] == "1"
    assert status["rollout"]["toVersion"] == "2"
    job = plant.job("promote")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["promote"]
    url = f"http://sensor-predictor.{plant.kubectl.namespace}.svc:8080"
    assert f'"promote": {{"version": "2", "url": "{url}"}}' in container["env"][0]["value"]
    plant.end("promote", result(uid, "Promoted", message="Version 2 is proven."))
    status = plant.finish("good")
    assert status["phase"] == "Succeeded"
    assert status["decision"]["outcome"] == "Promoted"
    assert status["message"] == "Version 2 is proven."
    assert condition(status, "Evaluated")["reason"] == "GatesPassed"
    assert condition(status, "Promoted")["status"] == "True"
    assert plant.annotations() == {"model-name": MODEL, "model-version": "2"}


def test_the_first_version_goes_onto_a_bare_deployment(plant: Plant) -> None:
    plant.create_predictor()
    uid = staged(plant, "first", PREDICTOR, "1")
    assert "previous-version" not in claimed(plant, uid)
    plant.serve("1")
    plant.end("promote", result(uid, "Promoted", "1"))
    assert plant.finish("first")["decision"]["outcome"] == "Promoted"
    template = plant.deployment()["spec"]["template"]["metadata"]["annotations"]
    assert template["training.sensors.dev/model-version"] == "1"


def test_a_version_that_is_not_in_service_in_time_goes_back(plant: Plant) -> None:
    plant.create_predictor(version="1")
    staged(plant, "broken", HASTY)
    pod = plant.eventually(lambda: plant.predictor_pods("2"), "a pod of version 2")[0]
    state = {
        "name": "predictor",
        "image": "trainer/job:test",
        "imageID": "",
        "ready": False,
        "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}},
    }
    plant.set_status("pod", pod["metadata"]["name"], {"containerStatuses": [state]})
    status = plant.finish("broken")
    assert status["phase"] == "Failed"
    assert status["decision"]["outcome"] == "RolledBack"
    assert condition(status, "Finished")["reason"] == "RolledBack"
    for word in ("4s", "spec.predictor.timeout", "CrashLoopBackOff", "version 1"):
        assert word in status["message"]
    assert plant.annotations() == {"model-name": MODEL, "model-version": "1"}
    template = plant.deployment()["spec"]["template"]["metadata"]["annotations"]
    assert template["training.sensors.dev/model-version"] == "1"
    assert plant.jobs("promote") == []


def test_without_a_version_before_the_annotations_go_away_again(plant: Plant) -> None:
    plant.create_predictor()
    staged(plant, "broken", HASTY, "1")
    assert plant.finish("broken")["decision"]["outcome"] == "RolledBack"
    assert plant.annotations() == {}
    assert not plant.deployment()["spec"]["template"]["metadata"].get("annotations")


def test_a_wrong_answer_of_the_predictor_goes_back(plant: Plant) -> None:
    plant.create_predictor(version="1")
    uid = staged(plant, "liar", PREDICTOR)
    claimed(plant, uid)
    plant.serve("2")
    said = failure(uid, "WrongPredictions", "Episode 7: mode 1 and not 2.")
    plant.end("promote", said, exit_code=65)
    status = plant.finish("liar")
    assert status["phase"] == "Failed"
    assert status["decision"]["outcome"] == "RolledBack"
    assert status["decision"]["reason"] == "WrongPredictions"
    assert "Episode 7: mode 1 and not 2." in status["message"]
    assert plant.annotations() == {"model-name": MODEL, "model-version": "1"}


def test_a_version_superseded_meanwhile_goes_back_and_is_a_success(plant: Plant) -> None:
    plant.create_predictor(version="1")
    uid = staged(plant, "late", PREDICTOR)
    claimed(plant, uid)
    plant.serve("2")
    plant.end("promote", result(uid, "Superseded"))
    status = plant.finish("late")
    assert status["phase"] == "Succeeded"
    assert status["decision"]["outcome"] == "Superseded"
    assert plant.annotations() == {"model-name": MODEL, "model-version": "1"}


def test_one_rollout_at_a_time(plant: Plant) -> None:
    plant.create_predictor(version="1")
    first = staged(plant, "first", PREDICTOR)
    claimed(plant, first)
    second = plant.apply("second", PREDICTOR)
    plant.end(message=result(second, "Staged", "3"))

    def queued() -> bool:
        return "first" in plant.status("second").get("message", "")

    plant.eventually(queued, "the second run waits for the first")
    assert condition(plant.status("second"), "Reconciling")["reason"] == "RolloutQueued"
    assert plant.annotations()["run"] == first
    plant.serve("2")
    plant.end("promote", result(first, "Promoted"))
    plant.finish("first")
    assert claimed(plant, second)["previous-version"] == "2"
    plant.serve("3")
    plant.end("promote", result(second, "Promoted", "3"))
    assert plant.finish("second")["decision"]["outcome"] == "Promoted"
    assert plant.annotations() == {"model-name": MODEL, "model-version": "3"}


def test_the_claim_of_a_run_that_is_gone_is_taken_over(plant: Plant) -> None:
    plant.create_predictor(version="1")
    gone = staged(plant, "gone", PREDICTOR)
    claimed(plant, gone)
    plant.kubectl("delete", "trainingrun", "gone", "--timeout=30s")
    uid = staged(plant, "heir", PREDICTOR, "3")
    assert claimed(plant, uid)["previous-version"] == "1"  # 2 was never proven


def test_an_older_version_does_not_replace_a_newer_one(plant: Plant) -> None:
    plant.create_predictor(version="7")
    staged(plant, "old", PREDICTOR)
    status = plant.finish("old")
    assert status["phase"] == "Succeeded"
    assert status["decision"]["outcome"] == "Superseded"
    assert plant.annotations() == {"model-name": MODEL, "model-version": "7"}


def test_an_annotation_that_somebody_else_owns_is_left_alone(plant: Plant) -> None:
    plant.create_predictor()
    name = "training.sensors.dev/model-version=1"
    plant.kubectl("annotate", "deployment", "sensor-predictor", name)
    staged(plant, "guest", PREDICTOR)
    status = plant.finish("guest")
    assert status["phase"] == "Failed"
    assert condition(status, "Finished")["reason"] == "ClaimRefused"
    assert "conflict" in status["message"]
    assert plant.annotations() == {"model-version": "1"}


def test_a_version_changed_by_hand_during_the_rollout_is_left_alone(plant: Plant) -> None:
    plant.create_predictor(version="1")
    uid = staged(plant, "disturbed", PREDICTOR)
    claimed(plant, uid)
    name = "training.sensors.dev/model-version=9"
    plant.kubectl("annotate", "--overwrite", "deployment", "sensor-predictor", name)
    status = plant.finish("disturbed")
    assert status["phase"] == "Failed"
    assert condition(status, "Finished")["reason"] == "Conflict"
    assert plant.annotations() == {"model-name": MODEL, "model-version": "9"}


def test_a_deployment_deleted_during_the_rollout_fails_the_run(plant: Plant) -> None:
    plant.create_predictor(version="1")
    uid = staged(plant, "orphan", PREDICTOR)
    claimed(plant, uid)
    plant.kubectl("delete", "deployment", "sensor-predictor")
    status = plant.finish("orphan")
    assert condition(status, "Finished")["reason"] == "DeploymentMissing"
    assert status["model"]["version"] == "2"


def test_what_came_into_service_while_nobody_looked_is_proven_and_not_timed_out(
    plant: Plant, operator: Operator
) -> None:
    plant.create_predictor(version="1")
    uid = staged(plant, "patient", HASTY)
    claimed(plant, uid)
    plant.eventually(lambda: plant.status("patient").get("rollout", {}).get("startTime"), "start")
    operator.kill()
    plant.serve("2")
    plant.eventually(
        lambda: (
            plant.deployment()["status"].get("availableReplicas") == 1
            and plant.deployment()["status"].get("replicas") == 1
        ),
        "version 2 in service",
    )
    start = plant.status("patient")["rollout"]["startTime"]
    plant.eventually(lambda: _age(start) > 4, "the timeout is over")
    operator.start()
    plant.wait("patient", "Promoting")


def _age(time: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(time.replace("Z", "+00:00"))).total_seconds()
