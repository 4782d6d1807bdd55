"""The local cluster comes up after any end of an earlier one, and goes without a trace.

Run by hack/e2e after the end-to-end tests, because it takes their cluster away.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hack import images
from hack.cluster import cgroups, mounts, paths, processes, providers
from hack.cluster.errors import ClusterError
from hack.kubectl import Kubectl

ON_THE_NODE = isinstance(providers.provider(), providers.NodeProvider)
COMMAND = [sys.executable, "-m", "hack.cluster"]


def cluster(*arguments: str) -> str:
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=images.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def kubectl() -> Kubectl:
    folder = cluster("bin", "kubectl").splitlines()[-1]
    return Kubectl(Path(folder) / "kubectl", providers.provider().kubeconfig)


def assert_serves(kubectl: Kubectl) -> None:
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    assert kubectl.get("namespace", "default")["status"]["phase"] == "Active"


def assert_gone() -> None:
    if not ON_THE_NODE:
        return
    for folder in (paths.RUN, paths.DATA):
        assert not folder.exists()
        assert mounts.below(folder) == []
    assert not [root for root in cgroups.hierarchies() if (root / paths.NAME).exists()]
    assert not list(Path("/sys/class/net").glob("trainer-op*"))
    results = Path("/var/lib/cni/results").glob("*")
    assert not [each for each in results if str(paths.RUN) in each.read_text()]


@pytest.mark.parametrize("seconds", [0.5, 2.0, 3.5])
def test_it_starts_after_a_start_that_was_killed(kubectl: Kubectl, seconds: float) -> None:
    cluster("down")
    assert_gone()
    starting = subprocess.Popen(
        [*COMMAND, "up"],
        cwd=images.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)  # another moment of the start each time
    os.kill(starting.pid, signal.SIGKILL)
    starting.wait()
    cluster("up")
    assert_serves(kubectl)


def test_it_is_left_alone_while_it_is_healthy(kubectl: Kubectl) -> None:
    cluster("up")
    kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}))
    assert "up and healthy" in cluster("up")
    assert kubectl.get("namespace", "a")["status"]["phase"] == "Active"


@pytest.mark.parametrize("program", ["kube-apiserver", "containerd", "kubelet", "etcd"])
def test_it_is_made_anew_when_a_part_has_died(kubectl: Kubectl, program: str) -> None:
    cluster("up")
    if ON_THE_NODE:
        record = processes.read(paths.PROCESSES / f"{program}.json")
        assert record is not None
        assert record.alive()
        processes.kill([record.pid])
    else:
        node = f"{paths.NAME}-control-plane"
        subprocess.run(["docker", "stop", "--time=1", node], check=True, capture_output=True)
    cluster("up")
    assert_serves(kubectl)


def test_an_image_that_is_not_here_is_named() -> None:
    cluster("up")
    with pytest.raises(AssertionError, match="nothing:1"):
        cluster("load", "nothing:1")


def test_it_goes_without_a_trace_and_comes_back(kubectl: Kubectl) -> None:
    cluster("up")
    cluster("down")
    assert_gone()
    with pytest.raises(ClusterError):
        kubectl.get("nodes")
    cluster("down")  # may be called again
    cluster("up")
    assert_serves(kubectl)
