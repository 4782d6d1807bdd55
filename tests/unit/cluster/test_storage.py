"""A layer is put together from the storage's files and the rest of its archive, bit by bit."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from hack.cluster import storage
from hack.cluster.errors import ClusterError
from hack.cluster.oci import Image

NAME = "localhost/trainer/job:1"


def tarball(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def split(archive: bytes, files: dict[str, bytes]) -> list[dict[str, object]]:
    """Return the lines of tar-split: what is no file's content as it is, else the file's name."""
    lines: list[dict[str, object]] = []
    rest = archive
    for name, content in files.items():
        before, _, rest = rest.partition(content)
        lines.append({"type": 2, "payload": base64.b64encode(before).decode()})
        lines.append({"type": 1, "name": name, "size": len(content), "payload": ""})
    lines.append({"type": 2, "payload": base64.b64encode(rest).decode()})
    return lines


def make(root: Path, layers: list[dict[str, bytes]]) -> list[bytes]:
    """Make a storage with one image and return its layers' archives."""
    archives, described = [], []
    for number, files in enumerate(layers):
        archive = tarball(files)
        archives.append(archive)
        folder = root / "overlay" / f"layer{number}" / "diff"
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        (root / "overlay-layers").mkdir(exist_ok=True)
        with gzip.open(root / "overlay-layers" / f"layer{number}.tar-split.gz", "wt") as file:
            file.writelines(json.dumps(line) + "\n" for line in split(archive, files))
        described.append(
            {
                "id": f"layer{number}",
                "parent": f"layer{number - 1}" if number else None,
                "diff-digest": f"sha256:{hashlib.sha256(archive).hexdigest()}",
                "diff-size": len(archive),
            }
        )
    (root / "overlay-layers" / "layers.json").write_text(json.dumps(described))
    images = root / "overlay-images"
    (images / "abc").mkdir(parents=True)
    config = base64.b64encode(b"sha256:abc").decode()
    (images / "abc" / f"={config}").write_bytes(b'{"os":"linux"}')
    known = [{"id": "abc", "names": [NAME], "layer": f"layer{len(layers) - 1}"}]
    (images / "images.json").write_text(json.dumps(known))
    return archives


def found(root: Path) -> Image:
    image = storage.find(root, {NAME})
    assert image is not None
    return image


def test_layers_are_those_that_were_built_the_lowest_first(tmp_path: Path) -> None:
    archives = make(tmp_path, [{"bin/a": b"program", "etc/b": b"x" * 5000}, {"c": b"code"}])
    image = found(tmp_path)
    assert image.config == b'{"os":"linux"}'
    assert [layer.open().read() for layer in image.layers] == archives


def test_layers_are_read_in_pieces(tmp_path: Path) -> None:
    (archive,) = make(tmp_path, [{"a": b"content"}])
    reader = found(tmp_path).layers[0].open()
    pieces = []
    while piece := reader.read(1000):
        pieces.append(piece)
    assert b"".join(pieces) == archive


@pytest.mark.parametrize("content", [b"CONTENT", b"content and more", b"cont"])
def test_a_damaged_layer_is_refused_before_its_end(tmp_path: Path, content: bytes) -> None:
    make(tmp_path, [{"a": b"content"}])
    (tmp_path / "overlay" / "layer0" / "diff" / "a").write_bytes(content)
    with pytest.raises(ClusterError, match="damaged"):
        found(tmp_path).layers[0].open().read()


def test_there_is_no_image_of_another_name_and_none_without_a_storage(tmp_path: Path) -> None:
    assert storage.find(tmp_path, {NAME}) is None
    make(tmp_path, [{"a": b"content"}])
    assert storage.find(tmp_path, {"localhost/trainer/job:2"}) is None
