"""Names of images are written out as the kubelet does."""

from pathlib import Path

import pytest

from hack.cluster import binaries, buildah, containerd, loading, storage
from hack.cluster.errors import ClusterError
from hack.cluster.oci import Image
from hack.cluster.steps import Steps


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("job:1", "docker.io/library/job:1"),
        ("job", "docker.io/library/job:latest"),
        ("trainer/job:1", "docker.io/trainer/job:1"),
        ("localhost/trainer/job:1", "localhost/trainer/job:1"),
        ("registry.example.com/job", "registry.example.com/job:latest"),
        ("registry:5000/job:1", "registry:5000/job:1"),
    ],
)
def test_full_names(name: str, full: str) -> None:
    assert loading.full(name) == full


def test_an_image_that_is_not_here_says_how_to_build_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "find", lambda root, names: None)
    with pytest.raises(ClusterError, match=r"No image nothing:1 .* hack.cluster image --target"):
        loading.load("nothing:1", Steps())


def test_an_image_that_the_node_has_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image(b"{}", [])
    listed = f"REF TYPE DIGEST\nlocalhost/a:1 application/x {image.digest} 1"
    monkeypatch.setattr(storage, "find", lambda root, names: image)
    monkeypatch.setattr(containerd, "ctr", lambda programs, *arguments: listed)
    sent = []
    monkeypatch.setattr(loading, "_send", lambda *arguments: sent.append(arguments))
    loading.load("localhost/a:1", Steps())
    assert sent == []
    other = Image(b'{"changed":1}', [])
    monkeypatch.setattr(storage, "find", lambda root, names: other)
    loading.load("localhost/a:1", Steps())
    assert sent == [(other, "localhost/a:1", binaries.folder())]


def test_images_of_other_tools_are_found_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def find(root: Path, names: set[str]) -> None:
        asked.append(root)
        assert names == {"docker.io/library/a:1", "localhost/a:1"}

    monkeypatch.setattr(storage, "find", find)
    with pytest.raises(ClusterError):
        loading.load("a:1", Steps())
    assert asked == [buildah.storage(), Path("/var/lib/containers/storage")]
