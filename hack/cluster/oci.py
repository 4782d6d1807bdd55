"""Images in the OCI layout: written, read, and sent without the layers that are there already."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_TAG = "org.opencontainers.image.ref.name"
_MARKER = b'{"imageLayoutVersion":"1.0.0"}'


@dataclass(frozen=True)
class Image:
    """One image of a layout folder."""

    layout: Path
    descriptor: dict[str, Any]

    @property
    def manifest(self) -> dict[str, Any]:
        """Return the image's manifest."""
        return dict(json.loads(blob(self.layout, self.descriptor["digest"]).read_bytes()))

    @property
    def digests(self) -> list[str]:
        """Return every content of the image: manifest, configuration, layers."""
        manifest = self.manifest
        parts = [self.descriptor, manifest["config"], *manifest["layers"]]
        return list(dict.fromkeys(str(part["digest"]) for part in parts))

    def send(self, name: str, there: set[str], out: IO[bytes]) -> int:
        """Write a tar archive of what is not there and return the number of layers left out."""
        described = {
            **{key: self.descriptor[key] for key in ("mediaType", "digest", "size")},
            "annotations": {"io.containerd.image.name": name},
        }
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [described]}
        layers = {str(layer["digest"]) for layer in self.manifest["layers"]}
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            _add(archive, "oci-layout", _MARKER)
            _add(archive, "index.json", json.dumps(index).encode())
            for digest in self.digests:
                if digest not in layers & there:
                    path = f"blobs/{digest.replace(':', '/')}"
                    archive.add(blob(self.layout, digest), path, recursive=False)
        return len(layers & there)


def blob(layout: Path, digest: str) -> Path:
    """Return the file of a content."""
    return layout / "blobs" / digest.replace(":", "/")


def find(layout: Path, tag: str) -> Image:
    """Return the image with a tag."""
    index = json.loads((layout / "index.json").read_text())
    for descriptor in index["manifests"]:
        if descriptor.get("annotations", {}).get(_TAG) == tag:
            return Image(layout, descriptor)
    raise KeyError(tag)


def prune(layout: Path) -> int:
    """Delete contents that no image of the layout has any more and return how many."""
    index = json.loads((layout / "index.json").read_text())
    used = {digest for one in index["manifests"] for digest in Image(layout, one).digests}
    unused = [file for file in _blobs(layout) if f"{file.parent.name}:{file.name}" not in used]
    for file in unused:
        file.unlink()
    return len(unused)


def write_single(layout: Path, program: Path, architecture: str) -> Image:
    """Write an image that holds one program and runs it as nobody."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, program.name, program.read_bytes(), mode=0o755)
    layer = _store(layout, _LAYER, content.getvalue())
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    described = _store(layout, _CONFIG, json.dumps(config).encode())
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": described,
        "layers": [layer],
    }
    return Image(layout, _store(layout, _MANIFEST, json.dumps(manifest).encode()))


def _blobs(layout: Path) -> Iterator[Path]:
    return (layout / "blobs").glob("*/*")


def _store(layout: Path, kind: str, content: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    file = blob(layout, digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return {"mediaType": kind, "digest": digest, "size": len(content)}


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
