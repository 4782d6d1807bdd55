"""Two replicas with a Lease: one works, and never do both."""

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from hack.cluster.controlplane import ControlPlane
from hack.kubectl import Kubectl
from tests.integration.operator.conftest import account_with
from tests.integration.operator.plant import Plant, result
from tests.integration.operator.process import Operator
from tests.support import chart
from tests.support.calls import named
from tests.support.processes import wait_for
from tests.support.proxy import Proxy

pytestmark = pytest.mark.timeout(180)

ACCOUNT = "replicas"
SECONDS = 3
_numbers = count(1)


class Replicas:
    """A namespace, and replicas of the operator for it that each come through their own proxy."""

    def __init__(self, plane: ControlPlane, kubeconfig: Path, plant: Plant, folder: Path) -> None:
        self.plane = plane
        self.kubeconfig = kubeconfig
        self.plant = plant
        self.folder = folder
        self.namespace = str(plant.kubectl.namespace)

    @contextmanager
    def replica(self, name: str) -> Iterator[tuple[Operator, Proxy]]:
        """Yield a replica that runs."""
        folder = self.folder / name
        folder.mkdir()
        with Proxy(self.plane.url, self.plane.authority.own.certificate) as proxy:
            kubeconfig = proxy.kubeconfig(self.kubeconfig, folder / "kubeconfig")
            settings = {
                "TRAINER_NAMESPACES": self.namespace,
                "TRAINER_LEASE": f"{self.namespace}/trainer-operator",
                "TRAINER_LEASE_DURATION": f"{SECONDS}s",
                "TRAINER_IDENTITY": name,
            }
            with Operator(kubeconfig, folder, **settings) as operator:
                yield operator, proxy

    def holder(self) -> str:
        """Return who holds the Lease; "" for nobody."""
        found = self.plant.kubectl.get("leases")["items"]
        return str(found[0]["spec"].get("holderIdentity", "")) if found else ""

    def wait_for(self, holder: str) -> None:
        """Wait until a replica holds the Lease."""
        wait_for(lambda: self.holder() == holder, f"{holder} holds the Lease", 30)


@pytest.fixture(scope="module")
def kubeconfig(control_plane: ControlPlane, admin: Kubectl) -> Path:
    """An account with the rights of the chart, those for the Lease included."""
    file = control_plane.service_account_kubeconfig(ACCOUNT, ACCOUNT)
    rendered = chart.render()
    rules = rendered["ClusterRole", "trainer-operator"]["rules"]
    lease = next(
        role["rules"]
        for (kind, name), role in rendered.items()
        if name.endswith("-lease")
        if kind == "Role"
    )
    admin.apply(account_with([*rules, *lease], ACCOUNT))
    return file


@pytest.fixture
def replicas(
    control_plane: ControlPlane, admin: Kubectl, kubeconfig: Path, tmp_path: Path
) -> Iterator[Replicas]:
    """Replicas in a namespace of their own."""
    name = f"replicated-{next(_numbers)}"
    admin("create", "namespace", name)
    yield Replicas(control_plane, kubeconfig, Plant(admin.within(name)), tmp_path)
    admin("delete", "namespace", name, "--wait=false")


def answer(operator: Operator, path: str) -> int:
    """Return the status of an answer; 0 for none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}{path}", timeout=5) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def rejected(plant: Plant, name: str) -> None:
    """Have a run go all the way."""
    uid = plant.apply(name)
    plant.end(message=result(uid, "Rejected"))
    assert plant.finish(name)["decision"]["outcome"] == "Rejected"
    plant.kubectl("delete", "jobs", "--all", "--wait=true")


def test_two_replicas_one_works_and_the_other_takes_over(replicas: Replicas) -> None:
    plant = replicas.plant
    with replicas.replica("a") as (first, before):
        replicas.wait_for("a")
        with replicas.replica("b") as (second, after):
            wait_for(lambda: answer(second, "/readyz") == 200, "the standby is ready")
            rejected(plant, "one")
            assert after.writes == []
            first.kill()
            rejected(plant, "two")
            assert replicas.holder() == "b"
            assert before.writes
            assert after.writes
            assert second.running


def test_a_leader_that_ends_gives_the_lease_up(replicas: Replicas) -> None:
    with replicas.replica("a") as (first, _):
        replicas.wait_for("a")
        began = time.monotonic()
        assert first.stop() == 0
        assert time.monotonic() - began < 5
        assert replicas.holder() == ""


def test_a_container_that_restarts_is_leader_at_once(replicas: Replicas) -> None:
    with replicas.replica("a") as (operator, _):
        replicas.wait_for("a")
        operator.restart()
        began = time.monotonic()
        rejected(replicas.plant, "one")
        lease = replicas.plant.kubectl.get("leases")["items"][0]
        assert lease["spec"]["leaseTransitions"] == 0, time.monotonic() - began


def test_a_stopped_leader_that_wakes_writes_nothing(replicas: Replicas) -> None:
    plant = replicas.plant
    with replicas.replica("a") as (first, old):
        replicas.wait_for("a")
        uid = plant.apply("torn")
        plant.wait("torn", "Running")
        with replicas.replica("b") as (second, new):
            wait_for(lambda: answer(second, "/readyz") == 200, "the standby is ready")
            os.kill(first.pid, signal.SIGSTOP)
            written = list(old.writes)
            plant.end(message=result(uid, "Rejected"))
            assert plant.finish("torn")["phase"] == "Succeeded"
            assert new.writes
            plant.apply("another")  # so that it has something to do
            os.kill(first.pid, signal.SIGCONT)
            wait_for(lambda: not first.running, "the old leader ends")
            assert first.returncode == 1
            assert old.writes == written


@pytest.mark.parametrize("write", ["PUT trainingruns/status", "POST jobs"])
def test_a_held_write_of_the_old_leader_changes_nothing(replicas: Replicas, write: str) -> None:
    """It passed the fence, and arrives after another one has done the same."""
    plant = replicas.plant
    with replicas.replica("a") as (first, old):
        replicas.wait_for("a")
        release = old.hold(named(write))
        uid = plant.apply("late")
        wait_for(lambda: any(named(write)(call) for call in old.calls), "the held write")
        old.blackhole(lambda call: True)
        with replicas.replica("b") as (_, new):
            replicas.wait_for("b")
            job = plant.job()["metadata"]["uid"]
            release()
            wait_for(lambda: not first.running, "the old leader ends")
            plant.end(message=result(uid, "Rejected"))
            plant.finish("late")
            assert [each["metadata"]["uid"] for each in plant.jobs()] == [job]
            held = [call for call in old.calls if named(write)(call)]
            wait_for(lambda: held[0].code == 409, f"the refusal of {held}")
            assert new.writes


def test_a_lost_lease_ends_the_process(replicas: Replicas) -> None:
    with replicas.replica("a") as (first, _):
        replicas.wait_for("a")
        lease = replicas.plant.kubectl.get("leases")["items"][0]["metadata"]["name"]
        stolen = '{"spec": {"holderIdentity": "thief"}}'
        replicas.plant.kubectl("patch", "lease", lease, "--type=merge", f"--patch={stolen}")
        wait_for(lambda: not first.running, "the end of the process")
        assert first.returncode == 1


def test_a_leader_without_an_answer_ends_before_another_may_begin(replicas: Replicas) -> None:
    with replicas.replica("a") as (first, proxy):
        replicas.wait_for("a")
        proxy.blackhole(lambda call: True)
        began = time.monotonic()
        wait_for(lambda: not first.running, "the end of the process")
        assert time.monotonic() - began < 2 * SECONDS + 1
        assert first.returncode == 1


def test_it_ends_within_five_seconds_under_load(replicas: Replicas) -> None:
    plant = replicas.plant
    with replicas.replica("a") as (operator, proxy):
        replicas.wait_for("a")
        proxy.delay(lambda call: call.writes, 2)
        for number in range(20):
            plant.apply(f"run-{number}")
        wait_for(lambda: any(call.writes for call in proxy.calls), "a write under way")
        began = time.monotonic()
        assert operator.stop() == 0
        assert time.monotonic() - began < 5
