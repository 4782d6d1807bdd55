"""The base image comes from where this machine's own packages come from."""

import shutil

import pytest

from hack.cluster import base
from hack.cluster.errors import ClusterError

LISTED = """\
bookworm-updates main http://mirror.example/debian
bookworm contrib http://mirror.example/contrib
bookworm main http://mirror.example/debian
"""


def test_the_mirror_is_the_one_of_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(base, "run", lambda command: LISTED)
    assert base.mirror() == ["http://mirror.example/debian"]
    monkeypatch.setattr(base, "run", lambda command: "trixie main http://mirror.example/debian\n")
    assert base.mirror() == []


def test_where_apt_says_nothing_debootstrap_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str]) -> str:
        raise ClusterError("no such option")

    monkeypatch.setattr(base, "run", fail)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert base.mirror() == []
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert base.mirror() == []
