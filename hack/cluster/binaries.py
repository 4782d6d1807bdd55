"""The programs of the cluster, built from pinned Go modules."""

import os
import platform
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import cache, paths
from hack.cluster.commands import run
from hack.cluster.errors import UnavailableError
from hack.cluster.processes import wrap
from hack.cluster.steps import Steps

KUBERNETES = "1.37.2"
_MODULE = paths.SOURCE / "gomod" / "1.37"
_MAJOR, _MINOR, _ = KUBERNETES.split(".")
_VERSION = "k8s.io/component-base/version"
_KUBERNETES_FLAGS = (
    f"-s -w -X {_VERSION}.gitVersion=v{KUBERNETES}"
    f" -X {_VERSION}.gitMajor={_MAJOR} -X {_VERSION}.gitMinor={_MINOR}"
)


@dataclass(frozen=True)
class Program:
    """A program and where it comes from; `pinned` ones are in the committed go.mod."""

    name: str
    package: str
    version: str
    pinned: bool = False

    @property
    def artefact(self) -> str:
        """Return the name of what is built, another one for other content."""
        target = f"{sys.platform}-{platform.machine()}"
        parts: list[str | Path] = [self.package, self.version, target]
        if self.pinned:
            parts += [_MODULE / "go.mod", _MODULE / "go.sum", _KUBERNETES_FLAGS]
        return f"{self.name}-{self.version}-{cache.key(*parts)}"


def _kubernetes(name: str) -> Program:
    return Program(name, f"k8s.io/kubernetes/cmd/{name}", KUBERNETES, pinned=True)


def _containerd(name: str) -> Program:
    return Program(name, f"github.com/containerd/containerd/v2/cmd/{name}", "2.4.2")


CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")
NODE = (
    *CONTROL_PLANE,
    *("kube-scheduler", "kubelet", "kube-proxy", "kubectl"),
    *("containerd", "containerd-shim-runc-v2", "ctr", "coredns"),
)
PROGRAMS = {
    program.name: program
    for program in (
        Program("etcd", "go.etcd.io/etcd/server/v3", "3.7.0", pinned=True),
        *(_kubernetes(name) for name in NODE if name.startswith("kube")),
        *(_containerd(name) for name in ("containerd", "containerd-shim-runc-v2", "ctr")),
        Program("coredns", "github.com/coredns/coredns", "1.15.0"),
        Program("helm", "helm.sh/helm/v3/cmd/helm", "3.22.0"),
        Program("kind", "sigs.k8s.io/kind", "0.33.0"),
    )
}


def folder() -> Path:
    """Return the folder for PATH; it holds links to what was asked for so far."""
    everything = cache.key(*sorted(program.artefact for program in PROGRAMS.values()))
    links = paths.cache() / f"bin-{everything}"
    links.mkdir(exist_ok=True)
    return links


def provide(names: Iterable[str], steps: Steps | None = None) -> Path:
    """Build what is missing of some programs and return the folder that holds them.

    Raises
    ------
    UnavailableError
        If something must be built and there is no Go.
    """
    links = folder()
    for name in names:
        program = PROGRAMS[name]
        if steps:
            with steps.step(f"{name} {program.version}") as step:
                if cache.find(program.artefact):
                    step.cached()
                _link(links / name, _build(program) / name)
        else:
            _link(links / name, _build(program) / name)
    return links


def missing(names: Iterable[str]) -> list[str]:
    """Return the programs that are still to be built."""
    return [name for name in names if not cache.find(PROGRAMS[name].artefact)]


def reason_against(names: Iterable[str]) -> str | None:
    """Return why programs cannot be provided here; None if they can."""
    if (left := missing(names)) and not shutil.which("go"):
        return f"there is no `go` on PATH to build {', '.join(left)} with (https://go.dev/dl/)."
    return None


def _build(program: Program) -> Path:
    return cache.artefact(program.artefact, lambda output: _go(program, output))


def _go(program: Program, output: Path) -> None:
    if not shutil.which("go"):
        raise UnavailableError(
            f"{program.name} {program.version} must be built once, and there is no `go` on PATH. "
            "Install Go (https://go.dev/dl/)."
        )
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOOS": "", "GOARCH": ""}
    if program.pinned:
        command = ["go", "build", "-mod=readonly", "-ldflags", _KUBERNETES_FLAGS]
        command += ["-o", str(output / program.name), program.package]
        folder_of_module = _MODULE
    else:
        command = ["go", "install", "-ldflags", "-s -w", f"{program.package}@v{program.version}"]
        settings["GOBIN"] = str(output)
        folder_of_module = output
    run(wrap(command, die_with=os.getpid()), env=settings, cwd=folder_of_module)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    unfinished = link.with_name(f".{link.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(target)
    unfinished.rename(link)
