"""buildah, with a storage of the project's own: whatever is found there may be cleaned up."""

import os
from pathlib import Path

from hack.cluster import paths
from hack.cluster.commands import run, succeeds
from hack.cluster.processes import wrap

# Mount counts: they mean nothing after a boot, so that they must not outlive it.
_STATE = paths.RUN.with_name(f"{paths.NAME}-images")


def storage() -> Path:
    """Return the folder of the storage."""
    return paths.cache() / "images"


def command(*arguments: str | Path) -> list[str]:
    """Return a command of buildah's; the kernel ends it with this process."""
    store = [f"--root={storage()}", f"--runroot={_STATE}"]
    # A storage on its own file system would be bind-mounted onto itself, and stay so.
    driver = ["--storage-driver=overlay", "--storage-opt=overlay.skip_mount_home=true"]
    return wrap(["buildah", *store, *driver, *arguments], die_with=os.getpid())


def buildah(*arguments: str | Path) -> str:
    """Run a command of buildah's and return what it prints."""
    return run(command(*arguments)).strip()


def has(image: str) -> bool:
    """Say whether an image is in the storage."""
    return succeeds(command("inspect", "--type=image", "--format={{.FromImageID}}", image))


def tidy() -> None:
    """Remove what a build that was killed left, mounts included; call it with the lock held."""
    if left := buildah("containers", "--quiet", "--all").split():
        buildah("rm", *left)
