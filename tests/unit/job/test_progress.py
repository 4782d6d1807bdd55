import io
import sys

import pytest

from trainer_job.contract import Progress, Stage, parse_progress
from trainer_job.progress import as_json_lines, as_note, as_sentences, for_people, report


def test_the_operator_finds_each_line(capsys: pytest.CaptureFixture[str]) -> None:
    report(as_json_lines, Stage.READING, 0)
    report(as_json_lines, Stage.FEATURES, 20, "117 episodes.")
    lines = capsys.readouterr().out.splitlines()
    assert [parse_progress(line) for line in lines] == [
        Progress(stage=Stage.READING, percent=0),
        Progress(stage=Stage.FEATURES, percent=20, message="117 episodes."),
    ]


def test_people_read_sentences_beside_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    report(as_sentences, Stage.READING, 0)
    report(as_sentences, Stage.FEATURES, 20, "117 episodes.")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "  0 % Reading\n 20 % Features: 117 episodes.\n"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_comes_and_goes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with for_people() as reporter:
        report(reporter, Stage.FEATURES, 20, "117 [bold] episodes.")
        as_note("3 left out.")
    drawn = terminal.getvalue()
    assert "Features: 117 [bold] episodes." in drawn
    assert " 20%" in drawn
    assert "3 left out." in drawn
    assert drawn.endswith("\x1b[2K")  # the bar's line is cleared
    assert capsys.readouterr().out == ""


def test_elsewhere_people_read_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    with for_people() as reporter:
        report(reporter, Stage.READING, 0)
    assert capsys.readouterr() == ("", "  0 % Reading\n")


def test_the_bar_ends_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(KeyboardInterrupt), for_people():
        raise KeyboardInterrupt
    assert sys.stderr is terminal
