"""spec.suspend, before a run begins and while it trains."""

import json

from tests.integration.operator.plant import Object, Plant, condition, result


def hold(plant: Plant, name: str, *, on: bool) -> None:
    patch = json.dumps({"spec": {"suspend": on}})
    plant.kubectl("patch", "trainingrun", name, "--type=merge", f"--patch={patch}")


def document(job: Object) -> str:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (value,) = [each["value"] for each in container["env"] if each["name"] == "TRAINER_RUN"]
    return str(value)


def test_suspended_before_it_starts_makes_no_job(plant: Plant) -> None:
    uid = plant.apply("asleep", {"suspend": True})
    status = plant.wait("asleep", "Suspended")
    assert "asOf" not in status
    assert condition(status, "Reconciling")["status"] == "False"
    assert condition(status, "Reconciling")["reason"] == "Suspended"
    assert plant.jobs() == []
    hold(plant, "asleep", on=False)
    plant.end(message=result(uid, "Rejected"))
    assert plant.finish("asleep")["decision"]["outcome"] == "Rejected"


def test_suspended_while_it_runs_loses_its_pod_and_no_attempt(plant: Plant) -> None:
    uid = plant.apply("paused", {"retry": {"limit": 0}})
    first = plant.pod()["metadata"]["uid"]
    before = document(plant.job())
    plant.wait("paused", "Running")
    hold(plant, "paused", on=True)
    plant.wait("paused", "Suspended")
    pods = "--selector=training.sensors.dev/task=train"
    plant.eventually(lambda: not plant.kubectl.get("pods", pods)["items"], "no pod")
    (job,) = plant.jobs()
    assert job["spec"]["suspend"] is True
    assert "stop-reason" not in json.dumps(job["metadata"])
    hold(plant, "paused", on=False)
    assert plant.pod()["metadata"]["uid"] != first
    assert document(plant.job()) == before  # resumed, it goes on with the same document
    plant.end(message=result(uid, "Rejected"))
    status = plant.finish("paused")
    assert status["decision"]["outcome"] == "Rejected"
    assert status["attempts"] == 1


def test_a_rollout_that_was_begun_goes_on_and_says_so(plant: Plant) -> None:
    plant.create_predictor(version="1")
    uid = plant.apply("late", {"predictor": {"deployment": "sensor-predictor"}})
    plant.end(message=result(uid, "Staged"))
    plant.eventually(lambda: plant.annotations().get("model-version") == "2", "the claim")
    hold(plant, "late", on=True)

    def told() -> bool:
        return "in spite of spec.suspend" in plant.status("late")["message"]

    plant.eventually(told, "a word on it in the message")
    plant.serve("2")
    plant.end("promote", result(uid, "Promoted"))
    assert plant.finish("late")["decision"]["outcome"] == "Promoted"
