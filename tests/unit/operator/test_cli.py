"""The command: help and wrong settings without a cluster."""

import json
import logging
import subprocess
import sys

import pytest

from trainer_operator import cli
from trainer_operator.logs import JsonFormatter


def test_help_needs_neither_settings_nor_the_client() -> None:
    code = (
        "import sys; from trainer_operator import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'kopf', 'kubernetes'} & set(sys.modules)"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "TRAINER_" in done.stdout


def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TRAINER_JOB_IMAGE", raising=False)
    with pytest.raises(SystemExit) as end:
        cli.main([])
    assert end.value.code == 2
    assert "TRAINER_JOB_IMAGE" in capsys.readouterr().err


def test_a_log_line_is_one_json_object() -> None:
    try:
        raise ValueError("broken\nin two lines")
    except ValueError:
        error = sys.exc_info()
    record = logging.LogRecord("name", logging.ERROR, "", 0, "went %s", ("wrong",), error)
    text = JsonFormatter().format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert line["level"] == "error"
    assert line["message"] == "went wrong"
    assert "broken" in line["error"]
