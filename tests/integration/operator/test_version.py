"""A run that names a version: nothing is trained, and an older version may come back."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from tests.integration.operator.plant import MODEL, Plant, condition, failure, result


def naming(version: str, **spec: Any) -> dict[str, Any]:
    predictor = {"deployment": "sensor-predictor"}
    return {"source": {"modelVersion": version}, "predictor": predictor, **spec}


def checked(plant: Plant, name: str, version: str, champion: str | None) -> str:
    uid = plant.apply(name, naming(version))
    found = {"champion": {"version": champion}} if champion else {}
    plant.end("check", result(uid, "Staged", version, **found), uid=uid)
    return uid


def test_an_older_version_is_checked_rolled_out_and_promoted(plant: Plant) -> None:
    plant.create_predictor(version="7")
    uid = plant.apply("back", naming("2"))
    (container,) = plant.job("check")["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["check"]
    assert '"check": {"version": "2"}' in container["env"][0]["value"]
    assert plant.jobs("train") == []
    plant.end("check", result(uid, "Staged", "2", champion={"version": "7"}))
    plant.eventually(lambda: plant.annotations().get("run") == uid, "the claim")
    assert plant.annotations()["previous-version"] == "7"
    plant.serve("2")
    (container,) = plant.job("promote")["spec"]["template"]["spec"]["containers"]
    assert '"explicit": true, "expected": "7"' in container["env"][0]["value"]
    plant.end("promote", result(uid, "Promoted", "2"))
    assert plant.finish("back")["decision"]["outcome"] == "Promoted"
    assert plant.annotations() == {"model-name": MODEL, "model-version": "2"}


def test_a_version_that_is_not_there_fails_the_run(plant: Plant) -> None:
    plant.create_predictor(version="1")
    uid = plant.apply("wrong", naming("9"))
    plant.end("check", failure(uid, "VersionMissing", "There is none."), exit_code=64)
    status = plant.finish("wrong")
    assert (status["phase"], condition(status, "Finished")["reason"]) == (
        "Failed",
        "VersionMissing",
    )
    assert plant.annotations() == {"model-name": MODEL, "model-version": "1"}


def test_one_that_waited_does_not_replace_what_came_meanwhile(plant: Plant) -> None:
    plant.create_predictor(version="1")
    first = checked(plant, "first", "5", "1")
    plant.eventually(lambda: plant.annotations().get("run") == first, "the claim")
    checked(plant, "second", "3", "1")
    plant.eventually(lambda: plant.status("second").get("rollout"), "the second run waits")
    plant.serve("5")
    plant.end("promote", result(first, "Promoted", "5"))
    plant.finish("first")
    status = plant.finish("second")
    assert status["decision"]["outcome"] == "Superseded"
    assert "version 5 is, and 1 was" in status["message"]
    assert plant.annotations() == {"model-name": MODEL, "model-version": "5"}


def test_where_nothing_runs_the_alias_is_given_unasked(plant: Plant) -> None:
    plant.create_predictor(version="1", replicas=0)
    uid = checked(plant, "idle", "2", "1")
    (container,) = plant.job("promote")["spec"]["template"]["spec"]["containers"]
    assert '"outcome": "NotServing"' in container["env"][0]["value"]
    assert '"url"' not in container["env"][0]["value"]
    plant.end("promote", result(uid, "NotServing", "2"))
    status = plant.finish("idle")
    assert (status["phase"], status["decision"]["outcome"]) == ("Succeeded", "NotServing")
    assert condition(status, "Promoted")["status"] == "True"
    assert plant.annotations() == {"model-name": MODEL, "model-version": "2"}


def test_those_that_wait_come_in_the_order_in_which_they_were_ready(plant: Plant) -> None:
    plant.create_predictor(version="1")
    first = checked(plant, "first", "2", "1")
    plant.eventually(lambda: plant.annotations().get("run") == first, "the claim")
    queue: list[str] = []
    for name in ("zebra", "apple"):  # by time, and not by name
        uid = plant.apply(name, {"predictor": {"deployment": "sensor-predictor"}})
        plant.end(message=result(uid, "Staged", str(3 + len(queue))), uid=uid)
        plant.wait(name, "RollingOut")
        queue.append(uid)
        plant.kubectl("wait", f"trainingrun/{name}", "--for=condition=Trained", "--timeout=30s")
        since = condition(plant.status(name), "Trained")["lastTransitionTime"]
        plant.eventually(partial(_after, since), "the next second")
    plant.serve("2")
    plant.end("promote", result(first, "Promoted"))
    plant.eventually(lambda: plant.annotations().get("run") in queue, "the next claim")
    assert plant.annotations()["run"] == queue[0]


def _after(time: str) -> bool:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") > time
