"""The base image of the project's images: a small Debian with Python, made here by debootstrap."""

import os
import platform
import shutil
from pathlib import Path

from hack.cluster import cache, mounts
from hack.cluster.buildah import buildah, has
from hack.cluster.commands import run
from hack.cluster.errors import ClusterError
from hack.cluster.processes import wrap
from hack.cluster.steps import Steps

SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "ca-certificates")
# Nothing of these is wanted in an image: indexes, packages, manuals, device nodes.
_LEFT_OUT = (
    "./var/lib/apt/lists/*",
    "./var/cache/*",
    "./usr/share/doc/*",
    "./usr/share/man/*",
    "./usr/share/locale/*",
    "./dev/*",
    "./proc/*",
    "./sys/*",
)


def _artefact() -> str:
    return f"base-{SUITE}-{cache.key(*PACKAGES, *_LEFT_OUT, platform.machine())}"


def reference() -> str:
    """Return the name of the base image."""
    return f"localhost/trainer-operator/base:{_artefact().removeprefix('base-')}"


def provide(steps: Steps) -> str:
    """Return the name of the base image, which is made and put into the storage if missing."""
    with steps.step(f"base image ({SUITE})") as step:
        if has(reference()):
            step.cached()
        else:
            _store(cache.artefact(_artefact(), _debootstrap) / "root.tar")
    return reference()


def _debootstrap(output: Path) -> None:
    root = output / "root"
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    run(wrap([*command, SUITE, root, *mirror()], die_with=os.getpid()), env=_proxy())
    left_out = [f"--exclude={pattern}" for pattern in _LEFT_OUT]
    archive = ["tar", "--numeric-owner", *left_out, "-cf", str(output / "root.tar")]
    run(wrap([*archive, "-C", root, "."], die_with=os.getpid()))
    mounts.remove_tree(root)


def _store(archive: Path) -> None:
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, archive, "/")
    buildah("config", "--cmd=python3", container)
    buildah("commit", "--quiet", "--rm", container, reference())


def mirror() -> list[str]:
    """Return where this machine's own apt gets the release from; debootstrap's choice if empty."""
    if shutil.which("apt-get"):
        form = "$(CODENAME) $(COMPONENT) $(REPO_URI)"
        for line in _ask(["apt-get", "indextargets", "--format", form, "Created-By: Packages"]):
            codename, component, address = line.split(" ", 2)
            if (codename, component) == (SUITE, "main"):
                return [address]
    return []


def _proxy() -> dict[str, str]:
    # debootstrap does not read apt's configuration.
    if shutil.which("apt-config"):
        for line in _ask(["apt-config", "shell", "proxy", "Acquire::http::Proxy"]):
            return {"http_proxy": line.removeprefix("proxy=").strip("'")}
    return {}


def _ask(command: list[str]) -> list[str]:
    try:
        return run(command).splitlines()
    except ClusterError:
        return []
