"""A run that is deleted during its rollout leaves the Deployment as it was, or as recorded."""

from typing import Any

import pytest

from tests.integration.operator.plant import MODEL, Plant, failure, result
from tests.integration.operator.process import Operator

PREDICTOR: dict[str, Any] = {"predictor": {"deployment": "sensor-predictor"}}
FINALIZER = "training.sensors.dev/rollout"
ONE = {"model-name": MODEL, "model-version": "1"}
TWO = {"model-name": MODEL, "model-version": "2"}


def rolling(plant: Plant) -> str:
    plant.create_predictor(version="1")
    uid = plant.apply("leaving", PREDICTOR)
    plant.end(message=result(uid, "Staged"))
    plant.eventually(lambda: plant.annotations().get("run") == uid, "the claim")
    assert plant.run("leaving")["metadata"]["finalizers"] == [FINALIZER]
    return uid


def promoting(plant: Plant) -> str:
    uid = rolling(plant)
    plant.serve("2")
    plant.job("promote")
    return uid


def delete(plant: Plant, cascade: str = "background") -> None:
    plant.kubectl("delete", "trainingrun", "leaving", f"--cascade={cascade}", "--wait=false")


def gone(plant: Plant) -> None:
    name = "trainingrun/leaving"
    plant.kubectl("wait", name, "--for=delete", "--timeout=60s")
    left = ("get", "jobs,pods", "--selector=training.sensors.dev/task", "--output=name")
    plant.eventually(lambda: not plant.kubectl(*left).strip(), "neither Job nor pod is left")


def test_while_it_trains_nothing_holds_it(plant: Plant) -> None:
    plant.create_predictor(version="1")
    plant.apply("leaving", PREDICTOR)
    plant.pod()
    assert "finalizers" not in plant.run("leaving")["metadata"]
    delete(plant)
    gone(plant)
    assert plant.annotations() == ONE


@pytest.mark.parametrize("cascade", ["background", "foreground"])
def test_while_it_rolls_out_the_version_before_comes_back(plant: Plant, cascade: str) -> None:
    rolling(plant)
    delete(plant, cascade)
    gone(plant)
    assert plant.annotations() == ONE
    template = plant.deployment()["spec"]["template"]["metadata"]["annotations"]
    assert template["training.sensors.dev/model-version"] == "1"


def test_while_it_promotes_the_promotion_is_waited_for(plant: Plant) -> None:
    uid = promoting(plant)
    delete(plant)
    plant.end("promote", result(uid, "Promoted"))
    gone(plant)
    assert plant.annotations() == TWO


def test_a_promote_job_that_is_deleted_with_its_run_is_made_anew(plant: Plant) -> None:
    """A deletion in the foreground takes the Jobs first: its pod may have promoted all the same."""
    uid = promoting(plant)
    first = plant.job("promote")["metadata"]["uid"]
    delete(plant, "foreground")

    def another() -> bool:
        return any(job["metadata"]["uid"] != first for job in plant.jobs("promote"))

    plant.eventually(another, "another promote Job")
    plant.end("promote", result(uid, "Promoted"))
    gone(plant)
    assert plant.annotations() == TWO


def test_what_is_not_promoted_goes_back_before_the_run_goes(plant: Plant) -> None:
    uid = promoting(plant)
    delete(plant)
    plant.end("promote", failure(uid, "WrongPredictions", "Wrong."), exit_code=65)
    gone(plant)
    assert plant.annotations() == ONE


def test_without_its_deployment_it_goes_at_once(plant: Plant) -> None:
    rolling(plant)
    plant.kubectl("delete", "deployment", "sensor-predictor", "--wait=false")
    delete(plant)
    gone(plant)


def test_a_namespace_goes_with_a_rollout_in_it(plant: Plant) -> None:
    promoting(plant)
    name = plant.kubectl.namespace
    plant.kubectl("delete", "namespace", str(name), "--wait=false")
    plant.kubectl("wait", f"namespace/{name}", "--for=delete", "--timeout=90s")
    plant.kubectl("create", "namespace", str(name))


def test_a_finished_run_is_not_held(plant: Plant) -> None:
    uid = promoting(plant)
    plant.end("promote", result(uid, "Promoted"))
    plant.finish("leaving")
    assert "finalizers" not in plant.run("leaving")["metadata"]
    delete(plant)
    gone(plant)
    assert plant.annotations() == TWO


def test_a_claim_whose_run_lost_its_finalizer_is_taken_away(
    plant: Plant, operator: Operator
) -> None:
    rolling(plant)
    operator.kill()
    delete(plant)
    patch = '{"metadata": {"finalizers": null}}'
    plant.kubectl("patch", "trainingrun", "leaving", "--type=merge", f"--patch={patch}")
    gone(plant)
    assert plant.annotations()["model-version"] == "2"
    operator.start()
    plant.eventually(lambda: plant.annotations() == ONE, "the version before")
