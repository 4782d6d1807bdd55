"""A version that waits for somebody's word: Manual, and what follows from the word."""

from typing import Any

from tests.integration.operator.plant import MODEL, Plant, condition, result
from tests.integration.operator.process import Operator

MANUAL: dict[str, Any] = {"promotion": {"policy": "Manual"}}
PREDICTOR: dict[str, Any] = {"predictor": {"deployment": "sensor-predictor"}}


def asked(plant: Plant, spec: dict[str, Any]) -> str:
    uid = plant.apply("careful", spec)
    plant.end(message=result(uid, "Staged"))
    plant.wait("careful", "AwaitingApproval")
    return uid


def approve(plant: Plant, version: str) -> None:
    patch = f'{{"spec": {{"promotion": {{"approvedVersion": "{version}"}}}}}}'
    plant.kubectl("patch", "trainingrun", "careful", "--type=merge", f"--patch={patch}")


def test_an_approved_version_goes_into_service(plant: Plant) -> None:
    plant.create_predictor(version="1")
    uid = asked(plant, MANUAL | PREDICTOR)
    status = plant.status("careful")
    assert status["decision"]["outcome"] == "AwaitingApproval"
    assert condition(status, "Reconciling")["status"] == "False"
    assert "approvedVersion to 2" in status["message"]
    assert plant.annotations() == {"model-name": MODEL, "model-version": "1"}
    approve(plant, "2")
    plant.eventually(lambda: plant.annotations().get("run") == uid, "the claim")
    plant.serve("2")
    plant.end("promote", result(uid, "Promoted"))
    assert plant.finish("careful")["decision"]["outcome"] == "Promoted"
    assert plant.annotations() == {"model-name": MODEL, "model-version": "2"}


def test_without_a_predictor_the_alias_is_given_by_a_job_that_asks_nobody(plant: Plant) -> None:
    uid = asked(plant, MANUAL)
    approve(plant, "2")
    (container,) = plant.job("promote")["spec"]["template"]["spec"]["containers"]
    assert '"promote": {"version": "2"}' in container["env"][0]["value"]
    plant.end("promote", result(uid, "Promoted"))
    assert plant.finish("careful")["phase"] == "Succeeded"


def test_it_waits_through_a_restart(plant: Plant, operator: Operator) -> None:
    asked(plant, MANUAL)
    operator.kill()
    approve(plant, "2")
    operator.start()
    plant.wait("careful", "Promoting")


def test_who_does_not_approve_deletes_the_run(plant: Plant) -> None:
    plant.create_predictor(version="1")
    asked(plant, MANUAL | PREDICTOR)
    plant.kubectl("delete", "trainingrun", "careful", "--timeout=30s")
    assert plant.annotations() == {"model-name": MODEL, "model-version": "1"}
