"""Versions into service and back by the real job: only nodes and predictor are played.

At each end five things agree: status, alias, records of promotions, annotations, and no claim or
finalizer is left.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hack.cluster.controlplane import ControlPlane
from tests.integration.operator.plant import KEY, condition
from tests.integration.operator.whole import DEPLOYMENT, Site, Works, works
from tests.support.postgres import PostgresServer
from tests.support.processes import wait_for
from tests.support.rest import Object

pytestmark = pytest.mark.timeout(300)

_WINDOW = {"since": "2026-03-01T11:00:00Z", "until": "2026-03-01T12:00:00Z"}
_SECONDS = 120


class Line:
    """A site with several runs in it, one after the other."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._rest = site.works.rest
        self._runs = f"/apis/{KEY}/v1alpha1/namespaces/{site.namespace}/trainingruns"
        self._deployment = f"/apis/apps/v1/namespaces/{site.namespace}/deployments/{DEPLOYMENT}"

    def apply(self, name: str, *, served: bool = True, **spec: Any) -> str:
        """Create a run that trains anew if it is not told otherwise; return its uid."""
        given: Object = {
            "source": {"data": _WINDOW},
            "model": {"registeredName": self.site.model},
            "gates": {"unchangedData": "Train"},
            "retry": {"limit": 0},
        }
        if served:
            given["predictor"] = {"deployment": DEPLOYMENT, "timeout": "20s"}
        document = {
            "apiVersion": f"{KEY}/v1alpha1",
            "kind": "TrainingRun",
            "metadata": {"name": name},
            "spec": given | spec,
        }
        return str(self._rest.create(self._runs, document)["metadata"]["uid"])

    def run(self, name: str) -> Object:
        return self._rest.get(f"{self._runs}/{name}")

    def wait(self, name: str, *phases: str) -> Object:
        def there() -> bool:
            return self.run(name).get("status", {}).get("phase") in phases

        try:
            wait_for(there, f"{name}: {' or '.join(phases)}", _SECONDS)
        except AssertionError as error:
            told = f"{error}\n{self.run(name).get('status')}\n{self.site.operator.tail()}"
            raise AssertionError(told) from None
        status: Object = self.run(name)["status"]
        return status

    def finish(self, name: str) -> Object:
        """Wait for a run's end and return its status; nothing holds it then."""
        status = self.wait(name, "Succeeded", "Failed")
        wait_for(lambda: not self.held(name), f"{name} is not held", 30)
        return status

    def held(self, name: str) -> bool:
        return bool(self.run(name)["metadata"].get("finalizers"))

    def put(self, name: str, **spec: Any) -> None:
        """Change a field of a run's spec."""
        assert self._rest.merge(f"{self._runs}/{name}", {"spec": spec}) < 300

    def change(self, **spec: Any) -> None:
        """Change the predictor's Deployment."""
        assert self._rest.merge(self._deployment, {"spec": spec}) < 300

    def delete(self, name: str) -> None:
        self._rest.delete(f"{self._runs}/{name}")
        path = f"{self._runs}?fieldSelector=metadata.name%3D{name}"

        wait_for(lambda: not self._rest.get(path)["items"], f"{name} is gone", 60)

    def service(self) -> dict[str, str]:
        """Return our annotations on the Deployment."""
        found = self._rest.get(self._deployment)["metadata"].get("annotations", {})
        return {
            key.removeprefix(f"{KEY}/"): value
            for key, value in found.items()
            if key.startswith(f"{KEY}/")
        }

    def in_service(self, version: str | None, *promoted: str) -> bool:
        """Assert that alias, annotations and the last of the promotions are one version."""
        assert self.site._alias() == version
        assert [number for _, number in self.site._promotions()] == list(promoted)
        due = {"model-name": self.site.model, "model-version": version} if version else {}
        assert self.service() == due
        return True


@pytest.fixture(scope="module")
def premises(
    control_plane: ControlPlane,
    postgres: PostgresServer,
    mlflow_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Works]:
    """What all sites share."""
    with works(control_plane, postgres, mlflow_server, tmp_path_factory.mktemp("works")) as made:
        yield made


@pytest.fixture
def line(premises: Works) -> Iterator[Line]:
    """A namespace with an operator of its own."""
    with premises.site() as site:
        yield Line(site)


def test_an_explicit_version_back_and_forth(line: Line) -> None:
    for number, name in enumerate(("one", "two"), start=1):
        line.apply(name)
        assert line.finish(name)["model"]["version"] == str(number)
    assert line.in_service("2", "1", "2")
    line.apply("back", source={"modelVersion": "1"})
    status = line.finish("back")
    assert (status["decision"]["outcome"], status["decision"]["reason"]) == ("Promoted", "Proven")
    assert (status["model"]["version"], status["rollout"]["fromVersion"]) == ("1", "2")
    assert line.in_service("1", "1", "2", "1")
    line.apply("forth", source={"modelVersion": "2"})
    assert line.finish("forth")["decision"]["champion"] == {"version": "1"}
    assert line.in_service("2", "1", "2", "1", "2")


def test_a_version_that_is_not_there_is_named(line: Line) -> None:
    line.apply("nowhere", source={"modelVersion": "7"})
    status = line.finish("nowhere")
    assert (status["phase"], condition(status, "Finished")["reason"]) == (
        "Failed",
        "VersionMissing",
    )
    assert "Version 7" in status["message"]
    assert line.in_service(None)


def test_manual_approval(line: Line) -> None:
    line.apply("careful", promotion={"policy": "Manual"})
    assert line.wait("careful", "AwaitingApproval")["model"]["version"] == "1"
    assert line.in_service(None)
    line.put("careful", promotion={"approvedVersion": "1"})
    assert line.finish("careful")["decision"]["reason"] == "Proven"
    assert line.in_service("1", "1")


def test_manual_approval_without_a_predictor(line: Line) -> None:
    line.apply("careful", served=False, promotion={"policy": "Manual"})
    line.wait("careful", "AwaitingApproval")
    line.put("careful", promotion={"approvedVersion": "1"})
    status = line.finish("careful")
    assert (status["decision"]["outcome"], status["decision"]["reason"]) == (
        "Promoted",
        "GatesPassed",
    )
    assert line.site._alias() == "1"
    assert line.service() == {}


def test_no_replicas_is_not_serving_until_it_is_proven(line: Line) -> None:
    line.change(replicas=0)
    line.apply("idle")
    status = line.finish("idle")
    assert (status["phase"], status["decision"]["outcome"]) == ("Succeeded", "NotServing")
    assert "spec.source.modelVersion: '1'" in status["message"]
    assert line.in_service("1", "1")
    line.change(replicas=1)
    line.apply("proof", source={"modelVersion": "1"})
    assert line.finish("proof")["decision"]["reason"] == "Proven"
    assert line.in_service("1", "1", "1")


def test_paused_times_out(line: Line) -> None:
    line.apply("one")
    line.finish("one")
    line.change(paused=True)
    line.apply("two")
    status = line.finish("two")
    assert (status["phase"], status["decision"]["outcome"]) == ("Failed", "RolledBack")
    assert "kubectl rollout resume" in status["message"]
    assert line.in_service("1", "1")


def test_right_pods_wrong_predictions(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.apply("one")
    line.finish("one")
    server = line.site.works.kubelet._gateway._server
    rightly = server.answer

    def wrongly(service: str, namespace: str, body: str) -> str:
        found = json.loads(rightly(service, namespace, body) or '{"predictions": []}')
        for each in found["predictions"]:
            each["mode"] += 1
        return json.dumps(found)

    monkeypatch.setattr(server, "answer", wrongly)
    line.apply("two")
    status = line.finish("two")
    assert (status["phase"], status["decision"]["outcome"]) == ("Failed", "RolledBack")
    assert status["decision"]["reason"] == "WrongPredictions"
    assert "answers wrongly" in status["message"]
    assert line.in_service("1", "1")


@pytest.mark.parametrize("phase", ["RollingOut", "Promoting"])
def test_deleted_meanwhile(line: Line, phase: str) -> None:
    line.apply("one")
    line.finish("one")
    if phase == "RollingOut":
        line.change(paused=True)  # so that it stays there
    line.apply("two")
    line.wait("two", phase)
    wait_for(lambda: line.held("two"), "the rollout has begun", 30)
    wait_for(lambda: "run" in line.service(), "the claim", 30)
    line.delete("two")
    assert line.in_service("1", "1") if phase == "RollingOut" else line.in_service("2", "1", "2")


def test_superseded(line: Line) -> None:
    """A version that waits for its turn, named before another one came into service."""
    for name in ("one", "two"):
        line.apply(name)
        line.finish(name)
    line.change(paused=True)
    line.apply("three")
    wait_for(lambda: "run" in line.service(), "the claim", 60)
    line.apply("late", source={"modelVersion": "1"})
    wait_for(lambda: line.run("late").get("status", {}).get("rollout"), "it waits", 60)
    line.change(paused=False)
    line.finish("three")
    status = line.finish("late")
    assert (status["phase"], status["decision"]["outcome"]) == ("Succeeded", "Superseded")
    assert status["decision"]["reason"] == "VersionChangedMeanwhile"
    assert line.in_service("3", "1", "2", "3")
