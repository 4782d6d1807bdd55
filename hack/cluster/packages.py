"""Programs that come with the distribution: found, or installed where that is possible."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from hack.cluster import containerd
from hack.cluster.commands import run
from hack.cluster.errors import UnavailableError

# Program to Debian package. `ptp` stands for the network plugins, which are not on PATH.
NODE: Mapping[str, str] = {
    "runc": "runc",
    "ptp": "containernetworking-plugins",
    "conntrack": "conntrack",
    "nft": "nftables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "openssl": "openssl",
}
IMAGES: Mapping[str, str] = {"buildah": "buildah", "debootstrap": "debootstrap"}

_APT = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]


def _there(program: str) -> bool:
    if program == "ptp":
        return containerd.cni_programs()
    # Administration programs are not on every user's PATH.
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def missing(wanted: Mapping[str, str]) -> list[str]:
    """Return the packages that are still to be installed."""
    return [package for program, package in wanted.items() if not _there(program)]


def installable() -> bool:
    """Say whether packages can be installed here."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Iterable[str]) -> None:
    """Install Debian packages, and finish what an installation that was killed left undone.

    Raises
    ------
    UnavailableError
        If this is not Debian or not root.
    """
    names = list(packages)
    if not installable():
        raise UnavailableError(f"Install as root what these packages hold: {' '.join(names)}.")
    settings = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["dpkg", "--configure", "-a"], env=settings)
    lists = Path("/var/lib/apt/lists")
    if not any(lists.glob("*_Packages*")):
        run([*_APT, "update"], env=settings)
    command = [*_APT, "install", "--no-install-recommends", *names]
    try:
        run(command, env=settings)
    except Exception:
        # The lists may be older than what the mirror still has.
        run([*_APT, "update"], env=settings)
        run(command, env=settings)
