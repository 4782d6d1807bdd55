"""Images from buildah's storage to containerd: only what is not there yet."""

from pathlib import Path

from hack.cluster import binaries, buildah, containerd, images, storage
from hack.cluster.commands import feed
from hack.cluster.errors import ClusterError
from hack.cluster.oci import Image
from hack.cluster.steps import Steps

# What buildah and podman use when nobody says otherwise: images that a person built by hand.
_COMMON = Path("/var/lib/containers/storage")


def load(name: str, steps: Steps) -> None:
    """Put an image into containerd, under the name that pods give.

    Raises
    ------
    ClusterError
        If there is no such image, or containerd refuses it.
    """
    with steps.step(f"load {images.short(name)}") as step:
        image = _find(name)
        programs = binaries.folder()
        if _present(programs, full(name)) == image.digest:
            step.cached()
        else:
            _send(image, full(name), programs)


def full(name: str) -> str:
    """Return an image's name as the kubelet writes it out, a short one in full."""
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not ("." in first or ":" in first or first == "localhost"):
        name = f"docker.io/{name}"
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _find(name: str) -> Image:
    # buildah puts this machine's name before a short one.
    names = {full(name), full(f"localhost/{name}")}
    for root in (buildah.storage(), _COMMON):
        if image := storage.find(root, names):
            return image
    raise ClusterError(
        f"No image {name} is on this machine. Build it first: "
        "python3 -m hack.cluster image --target TARGET --tag NAME."
    )


def _present(programs: Path, name: str) -> str | None:
    for line in containerd.ctr(programs, "images", "list", f"name=={name}").splitlines()[1:]:
        return line.split()[2]
    return None


def _send(image: Image, name: str, programs: Path) -> None:
    there = set(containerd.ctr(programs, "content", "list", "--quiet").split())
    command = containerd.command(programs, "images", "import", "-")
    feed(command, lambda out: image.send(name, there, out))
