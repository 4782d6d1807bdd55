"""An image is sent without what is there already, and the same content has the same digest."""

import io
import json
import tarfile
from pathlib import Path

from hack.cluster import oci


def image(*contents: bytes) -> oci.Image:
    layers = [
        oci.Layer(oci._digest(content), len(content), lambda content=content: io.BytesIO(content))  # type: ignore[misc]
        for content in contents
    ]
    return oci.Image(b'{"os":"linux"}', layers)


def sent(one: oci.Image, there: set[str]) -> dict[str, bytes]:
    out = io.BytesIO()
    one.send("docker.io/a/b:1", there, out)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        return {
            entry.name: file.read()
            for entry in archive.getmembers()
            if (file := archive.extractfile(entry))
        }


def test_the_whole_image_where_nothing_is_there() -> None:
    one = image(b"below", b"above")
    files = sent(one, set())
    index = json.loads(files["index.json"])
    (described,) = index["manifests"]
    assert described["digest"] == one.digest
    assert described["annotations"]["io.containerd.image.name"] == "docker.io/a/b:1"
    manifest = json.loads(files[oci._path(one.digest)])
    assert [layer["size"] for layer in manifest["layers"]] == [5, 5]
    assert {files[oci._path(layer["digest"])] for layer in manifest["layers"]} == {
        b"below",
        b"above",
    }
    assert files[oci._path(manifest["config"]["digest"])] == one.config


def test_layers_that_are_there_are_not_even_opened() -> None:
    one = image(b"below", b"above")

    def refuse() -> oci.Reader:
        raise AssertionError("opened")

    below = oci.Layer(one.layers[0].digest, 5, refuse)
    files = sent(oci.Image(one.config, [below, one.layers[1]]), {below.digest})
    assert oci._path(below.digest) not in files
    assert files[oci._path(one.layers[1].digest)] == b"above"


def test_a_layer_that_comes_twice_is_sent_once() -> None:
    files = sent(image(b"same", b"same"), set())
    assert list(files.values()).count(b"same") == 1


def test_the_same_content_has_the_same_digest() -> None:
    assert image(b"a").digest == image(b"a").digest != image(b"b").digest


def test_an_image_of_one_program(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    one = oci.single(program, "amd64")
    config = json.loads(one.config)
    assert config["config"] == {"Entrypoint": ["/pause"], "User": "65535:65535"}
    content = one.layers[0].open().read()
    assert config["rootfs"]["diff_ids"] == [oci._digest(content)]
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getmember("pause").mode == 0o755
