from pathlib import Path

import pytest

from hack.cluster import containerd


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has folders of its own: nothing of a node that runs here is found or touched."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("_STATE", "_CNI", "_CNI_RESULTS", "_SHIM_SOCKETS", "_CONTAINER_LOGS"):
        monkeypatch.setattr(containerd, name, tmp_path / name)
    return tmp_path / "cache" / "trainer-operator"
