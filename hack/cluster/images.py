"""The project's images, built by buildah from the project's own Dockerfile."""

from dataclasses import dataclass
from pathlib import Path

from hack.cluster import base, host, packages, paths
from hack.cluster.buildah import buildah, has, tidy
from hack.cluster.cache import locked
from hack.cluster.steps import Steps

ROOT = paths.SOURCE.parents[1]


@dataclass(frozen=True)
class Request:
    """A target of the Dockerfile and the name that it gets; the tag names the content."""

    target: str
    tag: str
    context: Path = ROOT


def short(name: str) -> str:
    """Return an image's name as shown: without the registry that stands for this machine."""
    return name.removeprefix("localhost/")


def build(request: Request, steps: Steps) -> None:
    """Build an image if no image has its name, with the layers of earlier ones."""
    if names := packages.missing(packages.IMAGES):
        with steps.step("packages for building images"):
            packages.install(names)
    with locked("images"):
        tidy()
        found = has(request.tag)
        image = None if found else base.provide(steps)
        with steps.step(f"image {request.target}") as step:
            if image is None:
                step.cached()
            else:
                buildah(*_arguments(request, image))


def _arguments(request: Request, image: str) -> list[str]:
    volumes = host.volumes(paths.cache() / "build-settings")
    return [
        "bud",
        "--layers",
        # Needs no privilege that a machine without a container engine may lack.
        "--isolation=chroot",
        "--pull=never",
        "--format=oci",
        "--network=host",
        *(f"--volume={path}:{shown}:ro" for path, shown in volumes.items()),
        "--force-rm",
        f"--build-arg=BASE_IMAGE={image}",
        f"--target={request.target}",
        f"--tag={request.tag}",
        str(request.context),
    ]
