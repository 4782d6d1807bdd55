import pytest

from trainer_job.contract import Progress, Stage, parse_progress
from trainer_job.progress import as_json_lines, as_sentences, report


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
