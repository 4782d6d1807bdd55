"""When the node is started, removed or left alone, and how its kubelet is configured."""

import io
import json
from pathlib import Path

import pytest

from hack.cluster import check, kubelet, node, paths
from hack.cluster.errors import UnavailableError
from hack.cluster.providers import NodeProvider
from hack.cluster.steps import Steps


class Machine:
    """What a node would do to this machine, noted instead of done."""

    def __init__(self) -> None:
        self.healthy = False
        self.left_over = False
        self.done: list[str] = []
        self.out = io.StringIO()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()

    class Node:
        def __init__(self, steps: Steps) -> None:
            pass

        def start(self) -> None:
            machine.done.append("start")

    monkeypatch.setattr(paths, "RUN", tmp_path / "run" / paths.NAME)
    monkeypatch.setattr(check, "reason_against_node", lambda: None)
    monkeypatch.setattr(check, "require_root", lambda: None)
    monkeypatch.setattr(node, "healthy", lambda: machine.healthy)
    monkeypatch.setattr(node, "left_over", lambda: machine.left_over)
    monkeypatch.setattr(node, "build", lambda steps: machine.done.append("build"))
    monkeypatch.setattr(node, "remove", lambda: machine.done.append("remove"))
    monkeypatch.setattr(node, "Node", Node)
    return machine


def test_a_healthy_node_is_left_alone(machine: Machine) -> None:
    machine.healthy = machine.left_over = True
    NodeProvider().up(Steps(machine.out))
    assert machine.done == []
    assert "up and healthy" in machine.out.getvalue()


def test_what_an_unhealthy_node_left_is_removed_before_the_start(machine: Machine) -> None:
    machine.left_over = True
    NodeProvider().up(Steps(machine.out))
    assert machine.done == ["build", "remove", "start"]


def test_nothing_is_removed_where_nothing_is_left(machine: Machine) -> None:
    NodeProvider().up(Steps(machine.out))
    assert machine.done == ["build", "start"]
    machine.done.clear()
    NodeProvider().down(Steps(machine.out))
    assert machine.done == []
    assert "No node is here." in machine.out.getvalue()


def test_a_machine_that_cannot_host_a_node_is_not_touched(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "reason_against_node", lambda: "because of a reason")
    with pytest.raises(UnavailableError, match="because of a reason"):
        NodeProvider().up(Steps(machine.out))
    assert machine.done == []


def test_images_need_a_node_that_runs(machine: Machine) -> None:
    with pytest.raises(UnavailableError, match=r"not up\. Run `python3 -m hack.cluster up`"):
        NodeProvider().load(["any:1"], Steps(machine.out))


def test_the_kubelet_runs_under_either_kind_of_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "DATA", tmp_path)
    kubelet.kubelet(tmp_path / "kubeconfig", tmp_path / "ca.crt")
    configuration = json.loads((tmp_path / "kubelet.json").read_text())
    assert configuration["failCgroupV1"] is False
    assert configuration["cgroupRoot"] == "/trainer-operator"
    # The node, and so its name server, has a real address: a loopback one is refused.
    assert configuration["clusterDNS"] == [configuration["address"]]
    assert not configuration["address"].startswith("127.")
