"""How a run ends, by what its train Job answers."""

import hashlib
import json

import pytest

from tests.integration.operator.plant import KEY, Plant, condition, result
from tests.integration.operator.process import Operator


def test_a_model_that_passed_without_a_predictor_is_promoted_by_the_train_job(plant: Plant) -> None:
    uid = plant.apply("passed")
    plant.end(message=result(uid, "Promoted"))
    status = plant.finish("passed")
    assert status["phase"] == "Succeeded"
    assert status["decision"]["outcome"] == "Promoted"
    assert status["message"] == status["decision"]["message"]
    assert status["model"]["version"] == "2"
    assert status["data"]["episodes"] == 117
    assert status["attempts"] == 1
    assert status["observedGeneration"] == 1
    assert status["job"]["name"] == plant.job()["metadata"]["name"]
    assert "progress" not in status
    assert plant.jobs("promote") == []


@pytest.mark.parametrize(
    ("outcome", "version", "spec"),
    [
        ("Rejected", "2", {}),
        ("Rejected", "2", {"predictor": {"deployment": "sensor-predictor"}}),
        ("Skipped", None, {}),
        ("Staged", "2", {"promotion": {"policy": "Never"}, "predictor": {"deployment": "none"}}),
        ("Superseded", "2", {}),
    ],
)
def test_a_decision_is_a_success_whatever_it_is(
    plant: Plant, outcome: str, version: str | None, spec: dict[str, object]
) -> None:
    plant.create_predictor(version="1")
    uid = plant.apply("decided", spec)
    plant.end(message=result(uid, outcome, version))
    status = plant.finish("decided")
    assert status["phase"] == "Succeeded"
    assert status["decision"]["outcome"] == outcome
    assert condition(status, "Finished")["reason"] == outcome
    assert condition(status, "Ready")["status"] == "True"
    assert condition(status, "Trained")["status"] == ("True" if version else "False")
    assert condition(status, "Promoted")["status"] == "False"
    assert plant.annotations()["model-version"] == "1"


def test_the_records_are_written_before_the_job_is_made(plant: Plant) -> None:
    uid = plant.apply("recorded", {"activeDeadline": "90s", "retry": {"limit": 1}})
    job = plant.job()
    status = plant.wait("recorded", "Running")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    document = json.loads(variables["TRAINER_RUN"] or "")
    assert document["asOf"] == status["asOf"]
    assert document["run"] == {"name": "recorded", "namespace": plant.kubectl.namespace, "uid": uid}
    assert status["effective"]["image"] == container["image"] == "trainer/job:test"
    assert status["effective"]["rolloutTimeout"] == "5m"
    assert job["spec"]["activeDeadlineSeconds"] == 90
    assert job["spec"]["backoffLimit"] == 1
    assert condition(status, "Reconciling")["status"] == "True"
    assert condition(status, "Finished")["status"] == "False"


def test_transitions_are_told_as_events(plant: Plant) -> None:
    uid = plant.apply("told")
    plant.end(message=result(uid, "Rejected"))
    plant.finish("told")

    def reasons() -> list[str]:
        selector = f"--field-selector=involvedObject.uid={uid}"
        return [event["reason"] for event in plant.kubectl.get("events", selector)["items"]]

    def complete() -> bool:
        return {"Admitted", "Starting", "RejectedReason"} <= set(reasons())

    plant.eventually(complete, "an Event of each transition")


def test_a_finished_run_is_never_run_again(plant: Plant, operator: Operator) -> None:
    uid = plant.apply("over")
    plant.end(message=result(uid, "Rejected"))
    before = plant.finish("over")
    plant.kubectl("delete", "job", plant.job()["metadata"]["name"], "--timeout=30s")
    operator.restart()
    plant.apply("later")  # served by the new operator, so it has looked at everything
    plant.wait("later", "Running")
    names = [job["metadata"]["name"] for job in plant.jobs()]
    assert [name.partition("-train-")[0] for name in names] == ["later"]
    assert plant.status("over") == before


def test_a_job_deleted_by_hand_is_made_again_with_the_same_document(plant: Plant) -> None:
    uid = plant.apply("again")
    first = plant.job()
    plant.wait("again", "Running")
    plant.kubectl("delete", "job", first["metadata"]["name"], "--timeout=30s")

    def another() -> bool:
        return [job["metadata"]["uid"] for job in plant.jobs()] not in (
            [],
            [first["metadata"]["uid"]],
        )

    plant.eventually(another, "another train Job")
    second = plant.job()
    assert second["spec"]["template"]["spec"] == first["spec"]["template"]["spec"]
    plant.end(message=result(uid, "Rejected"))
    assert plant.finish("again")["decision"]["outcome"] == "Rejected"


def test_a_deleted_run_takes_its_job_with_it_and_none_is_made_anew(plant: Plant) -> None:
    plant.apply("deleted")
    plant.wait("deleted", "Running")
    plant.kubectl("delete", "trainingrun", "deleted", "--cascade=foreground", "--timeout=60s")
    plant.eventually(lambda: not plant.jobs(), "no Job")


def test_a_job_of_somebody_else_is_not_adopted(plant: Plant, operator: Operator) -> None:
    operator.kill()
    uid = plant.apply("robbed")
    name = f"robbed-train-{hashlib.sha256(uid.encode()).hexdigest()[:8]}"
    pod = {"restartPolicy": "Never", "containers": [{"name": "trainer", "image": "other"}]}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"spec": pod}},
    }
    plant.kubectl.apply(json.dumps(job))
    operator.start()
    status = plant.finish("robbed")
    assert status["phase"] == "Failed"
    assert condition(status, "Finished")["reason"] == "JobNameTaken"
    assert name in status["message"]


def test_a_spec_that_the_schema_let_through_fails_with_the_field_named(plant: Plant) -> None:
    plant.apply("odd", {"job": {"resources": {"limits": {"memory": "1Mi", "cpu": "1"}}}})
    assert plant.wait("odd", "Running")["effective"]["resources"]["limits"]["memory"] == "1Mi"
    refused = {"job": {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}}
    plant.apply("refused", refused)
    status = plant.finish("refused")
    assert condition(status, "Stalled")["reason"] == "JobRefused"
    assert "memory" in status["message"]
    assert "spec.job" in status["message"]
    assert "job" not in status


def test_the_operator_touches_nothing_of_a_run_but_its_status(plant: Plant) -> None:
    uid = plant.apply("clean")
    plant.end(message=result(uid, "Promoted"))
    plant.finish("clean")
    meta = plant.kubectl.get("trainingrun", "clean", "--show-managed-fields")["metadata"]
    assert "finalizers" not in meta
    assert not [key for key in meta["annotations"] if "kubectl" not in key]
    assert meta["generation"] == 1
    managers = {each["manager"] for each in meta["managedFields"] if each.get("subresource")}
    assert managers == {"trainer-operator"}
    assert {label for label in plant.job()["metadata"]["labels"] if KEY in label}
