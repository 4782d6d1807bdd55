"""The limit of runs that go on at the same time in a namespace."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hack.cluster.controlplane import ControlPlane
from hack.kubectl import Kubectl
from tests.integration.operator.conftest import account_with
from tests.integration.operator.plant import Plant, condition, result
from tests.integration.operator.process import Operator
from tests.support import chart
from trainer_operator.observed import timestamp

_ACCOUNT = "operator-with-a-limit"


@pytest.fixture(scope="module")
def operator(
    control_plane: ControlPlane, admin: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """An operator that lets two runs of a namespace go on."""
    kubeconfig = control_plane.service_account_kubeconfig(_ACCOUNT, _ACCOUNT)
    role = chart.render()["ClusterRole", "trainer-operator"]
    admin.apply(account_with(role["rules"], _ACCOUNT))
    folder = tmp_path_factory.mktemp("limited")
    with Operator(kubeconfig, folder, TRAINER_MAX_CONCURRENT_RUNS="2") as operator:
        yield operator


def phases(plant: Plant) -> dict[str, str]:
    runs = plant.kubectl.get("trainingruns")["items"]
    return {run["metadata"]["name"]: run.get("status", {}).get("phase", "") for run in runs}


def looked_at(plant: Plant, name: str) -> None:
    """Wait until a run was looked at, and the next one is made in a later second."""
    plant.eventually(lambda: phases(plant)[name], f"{name} was looked at")
    created = timestamp(plant.run(name)["metadata"]["creationTimestamp"])
    plant.eventually(lambda: datetime.now(UTC) - created >= timedelta(seconds=1), "another second")


def end(plant: Plant, name: str) -> None:
    """End the train pod of one run among several."""
    uid = str(plant.run(name)["metadata"]["uid"])
    plant.end(message=result(uid, "Rejected"), uid=uid)


def test_runs_above_the_limit_wait_in_order_of_creation(plant: Plant) -> None:
    names = ["one", "two", "three", "four"]
    for name in names:
        plant.apply(name)
        looked_at(plant, name)
    plant.wait("four", "Queued")
    found = phases(plant)
    assert [name for name in names if found[name] == "Queued"] == ["three", "four"]
    status = plant.status("three")
    assert "asOf" not in status
    assert condition(status, "Reconciling")["reason"] == "Queued"
    assert len(plant.jobs()) == 2
    end(plant, "two")
    plant.finish("two")
    plant.wait("three", "Running")
    assert phases(plant)["four"] == "Queued"
    # A queued run gets its time when it starts, not when it was made.
    assert plant.status("three")["asOf"] >= plant.status("two")["completionTime"]
    end(plant, "one")
    plant.wait("four", "Running")
