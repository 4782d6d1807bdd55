"""What was built is there whole or not at all, and is built once."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.cluster import cache


def write(text: str = "content") -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        (folder / "file").write_text(text)

    return build


def test_what_was_built_is_found_and_not_built_again() -> None:
    assert cache.find("thing-1") is None
    folder = cache.artefact("thing-1", write())
    assert (folder / "file").read_text() == "content"
    assert cache.artefact("thing-1", write("another")) == folder == cache.find("thing-1")
    assert (folder / "file").read_text() == "content"


def test_a_build_that_fails_leaves_nothing_to_be_found() -> None:
    def fail(folder: Path) -> None:
        (folder / "file").write_text("half")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        cache.artefact("thing-1", fail)
    assert cache.find("thing-1") is None


def test_what_a_killed_build_left_is_removed_by_the_next(cache_folder: Path) -> None:
    left = cache_folder / "artefacts" / ".thing-1.abc"
    other = cache_folder / "artefacts" / ".thing-2.abc"
    for folder in (left, other):
        folder.mkdir(parents=True)
        (folder / "file").write_text("half")
    cache.artefact("thing-1", write())
    assert not left.exists()
    assert other.exists()


def test_two_at_once_build_once() -> None:
    builds = []
    begun, go_on = threading.Event(), threading.Event()

    def slow(folder: Path) -> None:
        builds.append(folder)
        begun.set()
        assert go_on.wait(10)
        (folder / "file").write_text("content")

    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(cache.artefact("thing-1", slow)))
        for _ in range(2)
    ]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(builds) == 1
    assert found == [cache.find("thing-1")] * 2


def test_a_key_changes_with_each_content_and_with_where_it_is_split(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a")
    keys = [cache.key("ab", "c"), cache.key("a", "bc"), cache.key("abc"), cache.key(file)]
    file.write_text("b")
    keys.append(cache.key(file))
    assert len(set(keys)) == len(keys)
    assert cache.key("ab", "c") == keys[0]
