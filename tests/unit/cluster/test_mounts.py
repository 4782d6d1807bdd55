"""Mount points are read as the kernel writes them."""

from pathlib import Path

import pytest

from hack.cluster import mounts
from hack.cluster.errors import ClusterError

LINES = r"""
22 1 254:0 / / rw shared:1 - ext4 /dev/vda rw
30 22 0:20 / /var/lib/thing/a rw - tmpfs tmpfs rw
31 30 0:21 / /var/lib/thing/a/with\040space rw - tmpfs tmpfs rw
32 22 0:22 / /var/lib/thing2 rw - tmpfs tmpfs rw
33 22 0:4 net:[1] /var/lib/thing//deleted rw - nsfs nsfs rw
""".strip()


def test_mounts_below_a_folder_innermost_and_latest_first() -> None:
    assert mounts.parse(LINES, Path("/var/lib/thing")) == [
        Path("/var/lib/thing"),
        Path("/var/lib/thing/a/with space"),
        Path("/var/lib/thing/a"),
    ]


def test_a_tree_is_deleted_but_not_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "folder").mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(target)
    mounts.remove_tree(link)
    assert target.is_dir()
    mounts.remove_tree(target)
    assert not target.exists()
    mounts.remove_tree(target)  # may be called again


def test_what_stays_mounted_is_not_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    monkeypatch.setattr(mounts, "below", lambda folder: [folder / "busy"])
    monkeypatch.setattr(mounts, "succeeds", lambda argv: False)
    with pytest.raises(ClusterError, match="busy is still mounted"):
        mounts.remove_tree(tree)
    assert tree.is_dir()
