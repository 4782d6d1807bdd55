from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainer_job.arguments import COMMANDS, parse

CODES = (" 0 ", " 64 ", " 65 ", " 69 ", " 70 ", " 130 ", " 143 ")


def test_run_is_the_default_command() -> None:
    assert parse([]).command == "run"
    assert parse(["--clusters", "4"]).clusters == "4"
    for command in ("check", "promote", "recall"):
        assert parse([command]).command == command


def test_the_embedded_folder_has_a_default() -> None:
    assert parse(["run"]).embedded is None
    assert parse(["run", "--embedded"]).embedded == Path("trainer-embedded")
    assert parse(["run", "--embedded", "there", "--data", "f"]).embedded == Path("there")


def test_the_reading_commands_take_what_they_need() -> None:
    report = parse(["report", "7", "--name", "m", "--output", "f"])
    assert (report.run, report.name, report.output) == ("7", "m", Path("f"))
    compare = parse(["compare", "1", "2", "-o", "json", "--tracking-uri", "http://x"])
    assert (compare.versions, compare.form, compare.tracking_uri) == (
        ["1", "2"],
        "json",
        "http://x",
    )
    predict = parse(["predict", "--version", "3", "f"])
    assert (predict.number, predict.file, predict.output) == ("3", Path("f"), None)
    assert parse(["label", "-"]).file == "-"


def test_load_takes_the_time_of_the_end() -> None:
    options = parse(["load", "f", "--end", "2026-01-31T13:00:00+01:00", "--machine", "m"])
    assert (options.file, options.machine) == (Path("f"), "m")
    assert options.end == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert parse(["load", "f", "--end", "2026-01-31"]).end == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "argv",
    [
        ["run", "--bogus"],
        ["load"],
        ["load", "f", "--end", "soon"],
        ["lode", "f"],
        ["compare", "1"],
        ["compare", "1", "two"],
        ["compare", "1", "2", "-o", "yaml"],
        ["predict", "f"],
        ["label"],
        ["report"],
    ],
)
def test_a_wrong_command_line_is_bad_configuration(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(argv)
    assert caught.value.code == 64
    assert "usage" in capsys.readouterr().out


def test_help_names_commands_variables_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out.replace("\n", " ")
    for word in (*COMMANDS, "TRAINING_LOOKBACK_HOURS", "POSTGRES_HOST", *CODES):
        assert word in text


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["load", "f", "--end", "soon"], "'soon' is no time"),
        (["lode", "f"], "'lode' (choose from"),
        (["compare", "1", "two"], "'two' is no version"),
    ],
)
def test_says_what_is_wrong_with_it(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(argv)
    assert words in capsys.readouterr().err
