"""The node's control groups: the one sure list of every process that it started."""

import time
from pathlib import Path

from hack.cluster import paths
from hack.cluster.errors import ClusterError
from hack.cluster.processes import kill

ROOT = Path("/sys/fs/cgroup")
NAME = f"/{paths.NAME}"
_NEEDED = ("cpu", "cpuset", "memory", "pids")
_PATIENCE = 15.0


def _unified() -> bool:
    return (ROOT / "cgroup.controllers").exists()


def hierarchies() -> list[Path]:
    """Return the roots of the hierarchies: one with cgroup v2, one a controller with v1."""
    if _unified():
        return [ROOT]
    return [folder for folder in sorted(ROOT.glob("*")) if (folder / "cgroup.procs").exists()]


def missing() -> list[str]:
    """Return the controllers that a node needs and the kernel does not offer here."""
    if _unified():
        offered = (ROOT / "cgroup.controllers").read_text().split()
    else:
        offered = [name for name in _NEEDED if (ROOT / name / "cgroup.procs").exists()]
    return [name for name in _NEEDED if name not in offered]


def create() -> Path:
    """Make the node's groups and return the one for its own programs."""
    for root in hierarchies():
        group = root / NAME[1:]
        if _unified():
            _delegate(root)
        (group / "system").mkdir(parents=True, exist_ok=True)
        if _unified():
            _delegate(group)
        elif (root / "cpuset.cpus").exists():
            _inherit_cpus(root, group)
            _inherit_cpus(root, group / "system")
    return (ROOT if _unified() else ROOT / "pids") / NAME[1:] / "system"


def remove() -> int:
    """End every process in the node's groups, remove them and return how many there were."""
    ended: set[int] = set()
    deadline = time.monotonic() + _PATIENCE
    while groups := _groups():
        pids = {pid for group in groups for pid in _processes(group)}
        kill(pids)
        ended |= pids
        for group in groups:
            _remove(group)
        if time.monotonic() > deadline:
            raise ClusterError(f"{groups[0]} could not be removed within {_PATIENCE:.0f} s.")
    return len(ended)


def _groups() -> list[Path]:
    # Innermost first, which is the order to remove them in.
    found = [
        folder
        for root in hierarchies()
        for folder in [root / NAME[1:], *(root / NAME[1:]).rglob("*")]
        if folder.is_dir()
    ]
    return sorted(found, key=lambda folder: -len(folder.parts))


def _processes(group: Path) -> list[int]:
    try:
        return [int(pid) for pid in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _remove(group: Path) -> None:
    try:
        group.rmdir()
    except FileNotFoundError:
        pass
    except OSError:
        # A process that was just ended still counts for a moment.
        time.sleep(0.02)


def _delegate(group: Path) -> None:
    for controller in (group / "cgroup.controllers").read_text().split():
        (group / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpus(root: Path, group: Path) -> None:
    for file in ("cpuset.cpus", "cpuset.mems"):
        (group / file).write_text((root / file).read_text())
