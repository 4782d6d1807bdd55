from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainer_job.arguments import given, parse


def test_run_is_the_default_command() -> None:
    assert parse([]).command == "run"
    assert parse(["--clusters", "4"]).clusters == "4"
    assert parse(["promote"]).command == "promote"


def test_the_embedded_folder_has_a_default() -> None:
    assert parse(["run"]).embedded is None
    assert parse(["run", "--embedded"]).embedded == Path("trainer-embedded")
    assert parse(["run", "--embedded", "there", "--data", "f"]).embedded == Path("there")


def test_tells_which_flags_stand_there() -> None:
    assert given(parse(["run"])) == []
    assert given(parse(["promote"])) == []
    assert given(parse(["run", "--min-f1", "0", "--embedded"])) == ["--min-f1", "--embedded"]


def test_load_takes_the_time_of_the_end() -> None:
    options = parse(["load", "f", "--end", "2026-01-31T13:00:00+01:00", "--machine", "m"])
    assert (options.file, options.machine) == (Path("f"), "m")
    assert options.end == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert parse(["load", "f", "--end", "2026-01-31"]).end == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "argv", [["run", "--bogus"], ["load"], ["load", "f", "--end", "soon"], ["lode", "f"]]
)
def test_a_wrong_command_line_is_bad_configuration(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(argv)
    assert caught.value.code == 64
    assert "usage" in capsys.readouterr().out


def test_help_names_commands_and_variables(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for word in ("run", "promote", "migrate", "load", "TRAINING_LOOKBACK_HOURS", "POSTGRES_HOST"):
        assert word in text


@pytest.mark.parametrize(
    ("argv", "words"),
    [(["load", "f", "--end", "soon"], "'soon' is no time"), (["lode", "f"], "'lode' (choose from")],
)
def test_says_what_is_wrong_with_it(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(argv)
    assert words in capsys.readouterr().err
