"""Whether a node can run on this machine, and if not, why in one sentence."""

import os
import platform
from pathlib import Path

from hack.cluster import binaries, cgroups, network, packages
from hack.cluster.errors import UnavailableError

_ARCHITECTURES = ("x86_64", "aarch64")


def require_root() -> None:
    """Raise an UnavailableError unless this is root on Linux."""
    if reason := _not_root():
        raise UnavailableError(reason)


def reason_against_node() -> str | None:
    """Return why no node can run here; None if one can."""
    for reason in (_not_root, _architecture, _kernel, _go, _packages, _devices):
        if text := reason():
            return f"No Docker engine answers, and the node cannot run here: {text}"
    return None


def _not_root() -> str | None:
    if platform.system() != "Linux":
        return f"it needs Linux, this is {platform.system()}."
    if os.geteuid() != 0:
        return "it must be run as root."
    return None


def _architecture() -> str | None:
    machine = platform.machine()
    return None if machine in _ARCHITECTURES else f"{machine} is not one of {_ARCHITECTURES}."


def _kernel() -> str | None:
    if controllers := cgroups.missing():
        return f"the control groups {', '.join(controllers)} are not mounted in {cgroups.ROOT}."
    if not os.access(cgroups.hierarchies()[0], os.W_OK):
        return f"{cgroups.ROOT} is read-only."
    if "overlay" not in Path("/proc/filesystems").read_text().split():
        return "the kernel offers no overlay file system (try `modprobe overlay`)."
    return None


def _go() -> str | None:
    return binaries.reason_against(binaries.NODE)


def _packages() -> str | None:
    left = packages.missing(packages.NODE)
    if left and not packages.installable():
        return f"these packages are missing and there is no apt-get: {' '.join(left)}."
    return None


def _devices() -> str | None:
    if "iproute2" in packages.missing(packages.NODE):
        return None
    if not network.usable():
        return "the kernel makes no network namespaces or no veth devices in them."
    return None
