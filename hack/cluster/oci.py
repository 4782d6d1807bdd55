"""Images by the OCI's rules: put together, and sent without the layers that are there already."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_MARKER = b'{"imageLayoutVersion":"1.0.0"}'


class Reader(Protocol):
    """What can be read once, a piece at a time."""

    def read(self, size: int = -1, /) -> bytes:
        """Return as many bytes as asked for, all by default, fewer only at the end."""


@dataclass(frozen=True)
class Layer:
    """An uncompressed layer: its content is opened only where it has to be sent."""

    digest: str
    size: int
    open: Callable[[], Reader]


@dataclass(frozen=True)
class Image:
    """An image's configuration, as it is in the image, and its layers, the lowest first."""

    config: bytes
    layers: Sequence[Layer]

    @property
    def manifest(self) -> bytes:
        """Return the manifest: the same for the same content."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _described(_CONFIG, self.config),
            "layers": [
                {"mediaType": _LAYER, "digest": layer.digest, "size": layer.size}
                for layer in self.layers
            ],
        }
        return json.dumps(manifest).encode()

    @property
    def digest(self) -> str:
        """Return the digest that a container runtime knows the image by."""
        return _digest(self.manifest)

    def send(self, name: str, there: set[str], out: IO[bytes]) -> None:
        """Write a tar archive of the image under a name, without the layers that are there."""
        described = _described(_MANIFEST, self.manifest)
        described["annotations"] = {"io.containerd.image.name": name}
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [described]}
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            _add(archive, "oci-layout", _MARKER)
            _add(archive, "index.json", json.dumps(index).encode())
            for content in (self.manifest, self.config):
                _add(archive, _path(_digest(content)), content)
            for layer in {layer.digest: layer for layer in self.layers}.values():
                if layer.digest not in there:
                    _add_from(archive, _path(layer.digest), layer.size, layer.open())


def single(program: Path, architecture: str) -> Image:
    """Return an image that holds one program and runs it as nobody."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, program.name, program.read_bytes(), mode=0o755)
    content = stream.getvalue()
    layer = Layer(_digest(content), len(content), lambda: io.BytesIO(content))
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
    }
    return Image(json.dumps(config).encode(), [layer])


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _described(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    _add_from(archive, name, len(content), io.BytesIO(content), mode)


def _add_from(
    archive: tarfile.TarFile, name: str, size: int, content: Reader, mode: int = 0o644
) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    archive.addfile(entry, content)
