"""The cluster of a machine with a Docker engine: kind."""

from dataclasses import dataclass
from pathlib import Path

from hack.cluster import binaries, images, paths
from hack.cluster.cache import locked
from hack.cluster.commands import run, succeeds
from hack.cluster.errors import UnavailableError
from hack.cluster.steps import Steps

_PROGRAMS = ("kind", "kubectl")
_READY = "180s"


def engine() -> bool:
    """Say whether a Docker engine answers."""
    return succeeds(["docker", "version", "--format", "{{.Server.Version}}"])


@dataclass(frozen=True)
class KindProvider:
    """A kind cluster of the project's own; others on the same engine are left alone."""

    name: str = "kind"

    @property
    def kubeconfig(self) -> Path:
        """Return the file for an administrator."""
        return paths.cache() / "kind.kubeconfig"

    def check(self) -> None:
        """Raise an UnavailableError with the reason if it cannot run here."""
        if not engine():
            raise UnavailableError("No Docker engine answers `docker version`.")
        if reason := binaries.reason_against(_PROGRAMS):
            raise UnavailableError(f"A Docker engine answers, but {reason}")

    def up(self, steps: Steps) -> None:
        """Start it, after removing what an earlier one left, if it is not healthy."""
        self.check()
        with locked("kind"):
            binaries.provide(_PROGRAMS, steps)
            exists = self._exists()
            if exists and self._healthy():
                steps.say("The kind cluster is up and healthy.")
                return
            if exists:
                with steps.step("remove an unhealthy or unfinished kind cluster"):
                    self._delete()
            with steps.step("kind cluster, Ready"):
                # The version of kind chooses the node's image.
                self._kind("create", "cluster", f"--wait={_READY}")

    def down(self, steps: Steps) -> None:
        """Stop it and delete its state."""
        with locked("kind"):
            binaries.provide(("kind",))
            if not self._exists():
                steps.say("No kind cluster is here.")
                return
            with steps.step("remove the kind cluster"):
                self._delete()

    def image(self, request: images.Request, steps: Steps) -> None:
        """Build an image of the project with docker, from the public base image."""
        with steps.step(f"image {request.target}") as step:
            if succeeds(["docker", "image", "inspect", request.tag]):
                step.cached()
            else:
                run(_build(request))

    def load(self, names: list[str], steps: Steps) -> None:
        """Send images from the Docker engine to the cluster's nodes."""
        binaries.provide(("kind",))
        if not self._exists():
            raise UnavailableError(
                "The kind cluster is not up. Run `python3 -m hack.cluster up` first."
            )
        for name in names:
            with steps.step(f"load {images.short(name)}"):
                self._kind("load", "docker-image", name)

    def _exists(self) -> bool:
        return paths.NAME in run([binaries.folder() / "kind", "get", "clusters"]).split()

    def _healthy(self) -> bool:
        # The file may belong to a cluster that somebody has made anew.
        if not succeeds(self._command("export", "kubeconfig")):
            return False
        nodes = ["wait", "--for=condition=Ready", "nodes", "--all", "--timeout=10s"]
        kubectl = [str(binaries.folder() / "kubectl"), f"--kubeconfig={self.kubeconfig}"]
        return succeeds([*kubectl, "--request-timeout=10s", *nodes])

    def _delete(self) -> None:
        self._kind("delete", "cluster")
        self.kubeconfig.unlink(missing_ok=True)

    def _kind(self, *arguments: str) -> None:
        run(self._command(*arguments))

    def _command(self, *arguments: str) -> list[str | Path]:
        # Not the user's own kubeconfig: `kubectl` there must not change its cluster unasked.
        own = [] if arguments[0] == "load" else [f"--kubeconfig={self.kubeconfig}"]
        return [binaries.folder() / "kind", *arguments, f"--name={paths.NAME}", *own]


def _build(request: images.Request) -> list[str | Path]:
    return [
        *("docker", "buildx", "build", "--load", "--progress=plain"),
        # With attestations it would be an index of two images, which kind cannot load.
        "--provenance=false",
        f"--target={request.target}",
        f"--tag={request.tag}",
        request.context,
    ]
