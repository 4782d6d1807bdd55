"""Images read from a storage of buildah's or podman's, each layer without the others.

`buildah push` writes and compresses every layer of an image, also for one changed line of code.
The storage keeps a layer's files in a folder, and beside it the rest of its tar archive, in the
format of https://github.com/vbatts/tar-split: one JSON object a line, either bytes of the archive
or the name of the file whose content comes next.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hack.cluster.errors import ClusterError
from hack.cluster.oci import Image, Layer

_FILE = 1
_PIECE = 1 << 20


def find(root: Path, names: set[str]) -> Image | None:
    """Return the image of a storage that has one of some names."""
    images = root / "overlay-images"
    for image in _list(images / "images.json"):
        if names & set(image.get("names") or ()):
            file = base64.b64encode(f"sha256:{image['id']}".encode()).decode()
            config = (images / image["id"] / f"={file}").read_bytes()
            return Image(config, _layers(root, str(image["layer"])))
    return None


def _layers(root: Path, top: str) -> list[Layer]:
    known = {layer["id"]: layer for layer in _list(root / "overlay-layers" / "layers.json")}
    found = []
    name: str | None = top
    while name:
        layer = known[name]
        found.append(_layer(root, layer))
        name = layer.get("parent")
    return found[::-1]


def _layer(root: Path, layer: dict[str, Any]) -> Layer:
    name, digest = layer["id"], layer["diff-digest"]
    rest = root / "overlay-layers" / f"{name}.tar-split.gz"
    files = root / "overlay" / name / "diff"
    size = layer["diff-size"]
    return Layer(digest, size, lambda: _Checked(_pieces(rest, files), digest, size))


def _pieces(rest: Path, files: Path) -> Iterator[bytes]:
    """Yield a layer's archive, put together from its files and the rest of it."""
    with gzip.open(rest, "rt") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["type"] != _FILE:
                yield base64.b64decode(entry["payload"])
            elif entry.get("size"):
                yield from _content(files, entry)


def _content(files: Path, entry: dict[str, Any]) -> Iterator[bytes]:
    name = entry.get("name") or base64.b64decode(entry["name_raw"]).decode(errors="surrogateescape")
    with (files / str(name).lstrip("/")).open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


class _Checked:
    """An archive to be read, which is refused before its end if it is not the one expected."""

    def __init__(self, source: Iterator[bytes], digest: str, size: int) -> None:
        self._source = source
        self._expected = digest
        self._to_come = size
        self._digest = hashlib.sha256()
        self._ahead = bytearray()

    def read(self, size: int = -1, /) -> bytes:
        """Return as many bytes as asked for, all by default."""
        if size < 0:
            size = self._to_come
        while len(self._ahead) < size and (piece := next(self._source, None)) is not None:
            self._digest.update(piece)
            self._ahead += piece
        result = bytes(self._ahead[:size])
        del self._ahead[:size]
        self._to_come -= len(result)
        if len(result) < size or not self._to_come:
            self._check()
        return result

    def _check(self) -> None:
        found = f"sha256:{self._digest.hexdigest()}"
        if self._to_come or self._ahead or found != self._expected:
            raise ClusterError(
                f"The layer {self._expected} is damaged in the storage of images; "
                "delete the image with buildah and build it again."
            )


def _list(file: Path) -> list[dict[str, Any]]:
    return list(json.loads(file.read_text())) if file.exists() else []
