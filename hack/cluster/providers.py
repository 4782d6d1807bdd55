"""One interface, two clusters: kind where a Docker engine answers, else the node of `node.py`."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from hack.cluster import check, images, kind, loading, node, paths
from hack.cluster.cache import locked
from hack.cluster.errors import UnavailableError
from hack.cluster.steps import Steps


class Provider(Protocol):
    """A cluster on this machine."""

    @property
    def name(self) -> str:
        """Return what it is called."""

    @property
    def kubeconfig(self) -> Path:
        """Return the file for an administrator."""

    def check(self) -> None:
        """Raise an UnavailableError with the reason if it cannot run here."""

    def up(self, steps: Steps) -> None:
        """Start it if it does not run."""

    def down(self, steps: Steps) -> None:
        """Stop it and delete its state."""

    def image(self, request: images.Request, steps: Steps) -> None:
        """Build an image of the project."""

    def load(self, names: list[str], steps: Steps) -> None:
        """Put images that were built on this machine into the cluster."""


class NodeProvider:
    """The single node."""

    name = "node"
    kubeconfig = paths.NODE_KUBECONFIG

    def check(self) -> None:
        """Raise an UnavailableError with the reason if it cannot run here."""
        if reason := check.reason_against_node():
            raise UnavailableError(reason)

    def up(self, steps: Steps) -> None:
        """Start it, after removing what an earlier one left, if it is not healthy."""
        self.check()
        with _lock():
            if node.healthy():
                steps.say("The node is up and healthy.")
                return
            node.build(steps)
            if node.left_over():
                with steps.step("remove an unhealthy or unfinished node"):
                    node.remove()
            node.Node(steps).start()

    def down(self, steps: Steps) -> None:
        """Stop it and delete its state."""
        check.require_root()
        with _lock():
            if not node.left_over():
                steps.say("No node is here.")
                return
            with steps.step("remove the node"):
                node.remove()

    def image(self, request: images.Request, steps: Steps) -> None:
        """Build an image of the project with buildah."""
        check.require_root()
        images.build(request, steps)

    def load(self, names: list[str], steps: Steps) -> None:
        """Send images from buildah's storage to containerd."""
        check.require_root()
        if not node.healthy():
            raise UnavailableError("The node is not up. Run `python3 -m hack.cluster up` first.")
        for name in names:
            loading.load(name, steps)


def provider() -> Provider:
    """Return the one for this machine."""
    return kind.KindProvider() if kind.engine() else NodeProvider()


def _lock() -> AbstractContextManager[None]:
    return locked(paths.NAME, paths.RUN.parent)
