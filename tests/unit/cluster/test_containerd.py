"""What the node leaves outside of its own folders is found again, and only that."""

import json
from pathlib import Path

import pytest

from hack.cluster import containerd, paths


def test_results_of_our_pods_are_removed_and_no_others() -> None:
    results = containerd._CNI_RESULTS
    results.mkdir()
    for name, netns in {
        "cni-loopback-1-lo": "/run/trainer-operator/containerd/netns/cni-1",
        "trainer-operator-1-eth0": "/run/trainer-operator/containerd/netns/cni-1",
        "cni-loopback-2-lo": "/run/netns/cni-2",
        "cni-loopback-3-lo": "/run/trainer-operator-2/netns/cni-3",
    }.items():
        text = json.dumps({"containerId": name, "netns": netns}, separators=(",", ":"))
        (results / name).write_text(text)
    (results / "broken").write_bytes(b"\xff")
    containerd.remove_strays()
    left = {file.name for file in results.iterdir()}
    assert left == {"cni-loopback-2-lo", "cni-loopback-3-lo", "broken"}


def test_sockets_of_our_shims_are_removed_and_no_others() -> None:
    sockets = containerd._SHIM_SOCKETS
    sockets.mkdir()
    for name in ("0123", "4567"):
        (sockets / name).touch()
    shim = containerd._STATE / "io.containerd.runtime.v2.task" / "k8s.io" / "abc"
    shim.mkdir(parents=True)
    (shim / "address").write_text(f"unix://{sockets}/0123")
    containerd.remove_strays()
    assert [socket.name for socket in sockets.iterdir()] == ["4567"]


def test_logs_of_our_pods_are_removed_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "DATA", tmp_path / "data")
    logs = containerd._CONTAINER_LOGS
    logs.mkdir()
    (logs / "ours.log").symlink_to(tmp_path / "data" / "pod-logs" / "0.log")
    (logs / "theirs.log").symlink_to("/var/log/pods/0.log")
    containerd.remove_strays()
    assert [link.name for link in logs.iterdir()] == ["theirs.log"]


def test_pods_are_routed_without_a_bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "DATA", tmp_path)
    file = containerd.configure("198.18.128.0/17")
    (network,) = [json.loads(each.read_text()) for each in containerd._CNI.iterdir()]
    (plugin,) = network["plugins"]
    assert plugin["type"] == "ptp"
    assert plugin["ipam"]["ranges"] == [[{"subnet": "198.18.128.0/17"}]]
    assert "restrict_oom_score_adj = true" in file.read_text()
