"""What the node leaves outside of its own folders is found again, and only that."""

import json
from pathlib import Path

import pytest

from hack.cluster import containerd, paths


def test_results_of_our_pods_are_removed_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containerd, "_CNI_RESULTS", tmp_path)
    for name, netns in {
        "cni-loopback-1-lo": "/run/trainer-operator/containerd/netns/cni-1",
        "trainer-operator-1-eth0": "/run/trainer-operator/containerd/netns/cni-1",
        "cni-loopback-2-lo": "/run/netns/cni-2",
        "cni-loopback-3-lo": "/run/trainer-operator-2/netns/cni-3",
    }.items():
        text = json.dumps({"containerId": name, "netns": netns}, separators=(",", ":"))
        (tmp_path / name).write_text(text)
    (tmp_path / "broken").write_bytes(b"\xff")
    containerd.remove_strays()
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {"cni-loopback-2-lo", "cni-loopback-3-lo", "broken"}


def test_pods_are_routed_without_a_bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "DATA", tmp_path)
    monkeypatch.setattr(containerd, "_CNI", tmp_path / "cni")
    file = containerd.configure("198.18.128.0/17")
    (network,) = [json.loads(each.read_text()) for each in (tmp_path / "cni").iterdir()]
    (plugin,) = network["plugins"]
    assert plugin["type"] == "ptp"
    assert plugin["ipam"]["ranges"] == [[{"subnet": "198.18.128.0/17"}]]
    assert "restrict_oom_score_adj = true" in file.read_text()
