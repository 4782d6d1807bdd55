"""What was built, kept by version: whole or not there at all, and built once at a time."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.cluster import mounts, paths


def key(*parts: str | Path) -> str:
    """Return a short key of texts and of the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:12]


@contextmanager
def locked(name: str, folder: Path | None = None) -> Iterator[None]:
    """Hold a lock between processes; the kernel lets go of it when the holder dies."""
    folder = folder or paths.cache() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def find(name: str) -> Path | None:
    """Return the folder of an artefact if it was built."""
    final = paths.cache() / "artefacts" / name
    return final if final.is_dir() else None


def artefact(name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder of an artefact, built if it is not there.

    Parameters
    ----------
    name
        Name, version and key of the content; another content needs another name.
    build
        Fills a new folder, which gets its name only afterwards: a build that was killed leaves
        a folder with a leading dot, which the next build deletes.
    """
    if found := find(name):
        return found
    parent = paths.cache() / "artefacts"
    parent.mkdir(exist_ok=True)
    with locked(name):
        if found := find(name):
            return found
        for left in parent.glob(f".{name}.*"):
            mounts.remove_tree(left)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=parent))
        build(unfinished)
        _flush(unfinished)
        return unfinished.rename(parent / name)


def _flush(folder: Path) -> None:
    # The name must not reach the disk before the content does.
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            descriptor = os.open(file, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
