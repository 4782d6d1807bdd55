"""What Prometheus reads, and what a log line says."""

import json
import logging
from typing import Any

import pytest

from tests.unit.operator.builders import KEY, Object, a_run, admitted, raw_run, rolling, time
from trainer_operator import logs
from trainer_operator.cluster import Call
from trainer_operator.errors import Unavailable
from trainer_operator.logs import JsonFormatter, TextFormatter
from trainer_operator.metrics import Metrics, State, resource
from trainer_operator.store import Store


class Heard:
    """Something that was heard some seconds ago."""

    def __init__(self, name: str, age: float) -> None:
        self.resource = name
        self.age = age


class Flag:
    """Set."""

    def is_set(self) -> bool:
        return True


def values(page: bytes) -> dict[str, float]:
    lines = [line for line in page.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/namespaces/plant/pods", "pods"),
        ("/api/v1/namespaces/plant/pods/x/log", "pods/log"),
        ("/apis/batch/v1/jobs", "jobs"),
        ("/apis/batch/v1/namespaces/plant/jobs/x", "jobs"),
        (f"/apis/{KEY}/v1alpha1/namespaces/plant/trainingruns/x/status", "trainingruns/status"),
        ("/version", "other"),
    ],
)
def test_a_path_is_named_as_in_rbac(path: str, kind: str) -> None:
    assert resource(path) == kind


def test_calls_are_counted_and_watches_take_no_time() -> None:
    metrics = Metrics()
    path = "/apis/batch/v1/jobs"
    metrics.called(Call("POST", path, 201, 0.1))
    metrics.called(Call("GET", path, 200, 300.0, watch=True))
    metrics.called(Call("GET", path, 0, 0.2))
    found = values(metrics.page())
    assert found['trainer_api_calls_total{code="201",resource="jobs",verb="post"}'] == 1
    assert found['trainer_api_calls_total{code="200",resource="jobs",verb="watch"}'] == 1
    assert found['trainer_api_calls_total{code="0",resource="jobs",verb="get"}'] == 1
    assert found["trainer_api_seconds_count"] == 2
    assert found["trainer_api_seconds_sum"] == pytest.approx(0.3)


def ended(status: Object) -> dict[str, float]:
    metrics = Metrics()
    run = a_run(status=status)
    metrics.ended(run, run.status)
    return values(metrics.page())


def test_the_end_of_a_run_tells_how_long_each_part_took() -> None:
    trained = {
        "type": "Trained",
        "status": "True",
        "reason": "R",
        "message": "m",
        "lastTransitionTime": time(40),
        "observedGeneration": 1,
    }
    found = ended(rolling(30, completionTime=time(10), conditions=[trained]))
    sums = {part: found[f"trainer_{part}_seconds_sum"] for part in ("run", "run_queue")}
    assert sums == {"run": 80, "run_queue": 30}
    assert found["trainer_run_training_seconds_sum"] == 20
    assert found["trainer_run_rollout_seconds_sum"] == 20


def test_what_a_run_never_came_to_is_not_counted() -> None:
    found = ended({"observedGeneration": 1, "phase": "Failed", "completionTime": time(10)})
    counts = {part: found[f"trainer_{part}_seconds_count"] for part in ("run", "run_queue")}
    assert counts == {"run": 1, "run_queue": 0}
    assert ended(admitted("Running"))["trainer_run_seconds_count"] == 0


def test_errors_are_counted_by_their_class() -> None:
    metrics = Metrics()
    metrics.failed(Unavailable("away"))
    assert values(metrics.page())['trainer_reconcile_errors_total{kind="Unavailable"}'] == 1


def test_the_state_is_read_at_each_scrape() -> None:
    store, metrics = Store(), Metrics()
    metrics.watch(State(store, [1, 2], [Heard("jobs", 3), Heard("jobs", 9)], Flag()))
    decision: Any = {"outcome": "Promoted", "reason": "R", "message": "m"}
    store.put_run(raw_run(status=admitted("Running"), name="a", uid="a"))
    store.put_run(raw_run(status=admitted("Succeeded", decision=decision), name="b", uid="b"))
    meta = {
        "name": "d",
        "namespace": "plant",
        "uid": "d",
        "resourceVersion": "1",
        "annotations": {f"{KEY}/model-version": "7", f"{KEY}/model-name": "m"},
    }
    store.put_deployment({"metadata": meta})
    found = values(metrics.page())
    assert found['trainer_runs{decision="",namespace="plant",phase="Running"}'] == 1
    assert found['trainer_runs{decision="Promoted",namespace="plant",phase="Succeeded"}'] == 1
    assert found['trainer_watch_age_seconds{resource="jobs"}'] == 9
    assert (found["trainer_leader"], found["trainer_queue_depth"]) == (1, 2)
    service = 'trainer_model_version_in_service{deployment="d",model="m",namespace="plant"}'
    assert found[service] == 7


def record() -> logging.LogRecord:
    return logging.LogRecord("name", logging.INFO, "", 0, "done", (), None)


def test_every_line_of_a_look_names_run_and_uid() -> None:
    uid = "3f1c9a52-0000"
    with logs.about("plant", "nightly", uid):
        line = json.loads(JsonFormatter().format(record()))
        text = TextFormatter().format(record())
    assert (line["namespace"], line["run"], line["uid"]) == ("plant", "nightly", uid)
    assert text.endswith("name: [plant/nightly 3f1c9a52] done")


def test_other_lines_name_no_run() -> None:
    line = json.loads(JsonFormatter().format(record()))
    assert not {"run", "uid"} & set(line)
    assert TextFormatter().format(record()).endswith("name: done")
