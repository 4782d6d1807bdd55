"""containerd: its configuration, with every path its own, and talking to it."""

import json
import re
from pathlib import Path

from hack.cluster import paths
from hack.cluster.commands import run

SOCKET = paths.RUN / "containerd.sock"
PAUSE = "docker.io/trainer-operator/pause:1"
_STATE = paths.RUN / "containerd"
_CNI = paths.DATA / "cni"
_CNI_RESULTS = Path("/var/lib/cni/results")
_SHIM_SOCKETS = Path("/run/containerd/s")
_CONTAINER_LOGS = Path("/var/log/containers")
_CNI_PROGRAMS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")

_CONFIGURATION = f"""\
version = 3
root = "{paths.DATA / "containerd"}"
state = "{_STATE}"
disabled_plugins = [
  "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = "{SOCKET}"

[ttrpc]
address = "{SOCKET}.ttrpc"

[plugins."io.containerd.internal.v1.opt"]
path = "{paths.DATA / "opt"}"

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{PAUSE}"

[plugins."io.containerd.cri.v1.runtime"]
# Without CAP_SYS_RESOURCE a sandbox cannot lower its score.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = {json.dumps(_CNI_PROGRAMS)}
conf_dir = "{_CNI}"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
Root = "{paths.RUN / "runc"}"
SystemdCgroup = false
"""


def cni_programs() -> bool:
    """Say whether the network plugins are installed."""
    return any((Path(folder) / "ptp").exists() for folder in _CNI_PROGRAMS)


def configure(pods: str) -> Path:
    """Write the configuration of containerd and of the pods' network; return the former."""
    _CNI.mkdir(parents=True, exist_ok=True)
    # One routed pair of devices a pod. A bridge would need br_netfilter for a Service whose pod
    # is on the same node.
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(paths.DATA / "addresses"),
    }
    network = {
        "cniVersion": "0.4.0",
        "name": paths.NAME,
        "plugins": [{"type": "ptp", "ipMasq": False, "ipam": addresses}],
    }
    (_CNI / "10-pods.conflist").write_text(json.dumps(network, indent=1))
    file = paths.DATA / "containerd.toml"
    file.write_text(_CONFIGURATION)
    return file


def command(programs: Path, *arguments: str | Path) -> list[str | Path]:
    """Return a command of containerd's own, in the namespace that Kubernetes uses."""
    return [programs / "ctr", "--address", SOCKET, "--namespace", "k8s.io", *arguments]


def ctr(programs: Path, *arguments: str | Path) -> str:
    """Run a command of containerd's own."""
    return run(command(programs, *arguments))


def remove_strays() -> None:
    """Delete what containerd and the kubelet keep outside of any configured folder."""
    for file in _STATE.glob("io.containerd.runtime.v2.task/k8s.io/*/*"):
        if file.name in {"address", "bootstrap.json"}:
            for path in re.findall(rf"unix://({_SHIM_SOCKETS}/[0-9a-f]+)", file.read_text()):
                Path(path).unlink(missing_ok=True)
    for result in _CNI_RESULTS.glob("*"):
        # Those of the loopback device stay behind every pod; the network says whose they are.
        if f'"netns":"{paths.RUN}/' in result.read_text(errors="replace"):
            result.unlink()
    for link in _CONTAINER_LOGS.glob("*.log"):
        if link.is_symlink() and paths.DATA in link.readlink().parents:
            link.unlink()
