"""Mounts below a folder: found, and taken away before the folder is deleted."""

import shutil
from pathlib import Path

from hack.cluster.commands import succeeds
from hack.cluster.errors import ClusterError

_ESCAPES = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}


def parse(mountinfo: str, folder: Path) -> list[Path]:
    """Return the mount points at or below a folder, the innermost and latest first."""
    found = []
    for line in mountinfo.splitlines():
        text = line.split(" ")[4]
        for escape, character in _ESCAPES.items():
            text = text.replace(escape, character)
        point = Path(text.removesuffix("//deleted"))
        if point == folder or folder in point.parents:
            found.append(point)
    return found[::-1]


def below(folder: Path) -> list[Path]:
    """Return what is mounted at or below a folder now, the latest first."""
    mountinfo = Path("/proc/self/mountinfo")
    if not mountinfo.exists():
        return []
    return parse(mountinfo.read_text(errors="surrogateescape"), folder)


def remove_tree(folder: Path) -> None:
    """Unmount everything below a folder, then delete it.

    Raises
    ------
    ClusterError
        If something stays mounted: deleting would reach through it.
    """
    for point in below(folder):
        if not succeeds(["umount", point]):
            succeeds(["umount", "--lazy", point])
    if left := below(folder):
        raise ClusterError(f"{left[0]} is still mounted; end what uses it and run `down` again.")
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
