"""The image of a pod's first container, made here because nothing can be pulled."""

import os
import platform
from pathlib import Path

from hack.cluster import cache, containerd, oci, paths
from hack.cluster.commands import run
from hack.cluster.processes import wrap

_SOURCE = paths.SOURCE / "pause_program" / "main.go"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def archive() -> tuple[Path, bool]:
    """Return the image's archive for containerd and whether it was there already."""
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    name = f"pause-1-{cache.key(_SOURCE, containerd.PAUSE, architecture)}"
    cached = cache.find(name) is not None

    def build(output: Path) -> None:
        program = output / "pause"
        command = ["go", "build", "-ldflags", "-s -w", "-o", str(program), str(_SOURCE)]
        settings = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GO111MODULE": "off"}
        run(wrap(command, die_with=os.getpid()), env=settings, cwd=output)
        with (output / "pause.tar").open("wb") as file:
            oci.single(program, architecture).send(containerd.PAUSE, set(), file)

    return cache.artefact(name, build) / "pause.tar", cached
