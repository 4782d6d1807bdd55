import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from trainer_job import cli, commands
from trainer_job.cli import deliver, explain
from trainer_job.contract import (
    RESULT_LIMIT,
    Decision,
    ExitCode,
    Failure,
    Outcome,
    Result,
    decode_result,
)
from trainer_job.errors import Terminated, Unavailable

DECIDED = Result(
    run="uid", decision=Decision(outcome=Outcome.SKIPPED, reason="R", message="Too few é.")
)


@pytest.mark.parametrize(
    ("error", "reason", "code"),
    [
        (Unavailable("DatabaseUnavailable", "m"), "DatabaseUnavailable", ExitCode.UNAVAILABLE),
        (Terminated(), "Terminated", 143),
        (KeyboardInterrupt(), "Terminated", 130),
        (ZeroDivisionError("by zero"), "InternalError", ExitCode.INTERNAL),
    ],
)
def test_every_error_has_a_reason_and_a_code(error: BaseException, reason: str, code: int) -> None:
    failure, exit_code = explain(error)
    assert (failure.reason, exit_code) == (reason, code)


def test_an_unforeseen_error_is_named_and_its_trace_logged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "s3cret")
    try:
        raise KeyError("s3cret")
    except KeyError as error:
        failure, _ = explain(error)
    log = capsys.readouterr().err
    assert failure.message.startswith("KeyError: '***'")
    assert "test_cli.py" in log
    assert "s3cret" not in log


def test_the_result_is_the_last_line_and_the_termination_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    deliver(DECIDED, log)
    out, err = capsys.readouterr()
    assert decode_result(out.splitlines()[-1]) == DECIDED
    assert decode_result(log.read_text("utf-8")) == DECIDED
    assert err == "Skipped. Too few é.\n"


def test_no_termination_message_is_made_where_nobody_reads_it(tmp_path: Path) -> None:
    deliver(DECIDED, tmp_path / "termination-log")
    assert list(tmp_path.iterdir()) == []


def test_a_termination_log_that_cannot_be_written_loses_only_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError

    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(Path, "write_text", refuse)
    deliver(DECIDED, log)
    assert decode_result(capsys.readouterr().out) == DECIDED


def test_a_long_failure_is_cut_for_the_kubelet(tmp_path: Path) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    deliver(Result(run="uid", failure=Failure(reason="R", message="é" * 9000)), log)
    assert log.stat().st_size <= RESULT_LIMIT


@pytest.fixture
def restored() -> Iterator[None]:
    """Leave the process's own handling of SIGTERM as it was."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("restored")
def test_asked_to_end_once_it_is_decided_the_result_still_gets_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(result: Result) -> None:
        signal.raise_signal(signal.SIGTERM)
        deliver(result)

    monkeypatch.setattr(commands, "decide", lambda options, document: DECIDED)
    monkeypatch.setattr(cli, "deliver", interrupted)
    assert cli.main(["run"]) == 0
    assert decode_result(capsys.readouterr().out) == DECIDED


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(
    ("document", "words"), [("", "Widen --lookback."), ("{}", "Widen spec.source.data.lookback.")]
)
def test_a_run_without_document_is_told_of_flags(
    document: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = Decision(outcome=Outcome.SKIPPED, reason="R", message="Widen spec.source.data.lookback.")
    configured = SimpleNamespace(run=SimpleNamespace(uid="uid"))
    monkeypatch.setenv("TRAINER_RUN", document)
    monkeypatch.setattr(commands, "configure", lambda options: configured)
    monkeypatch.setattr(commands, "decide", lambda *_: Result(run="uid", decision=told))
    assert cli.main(["run"]) == 0
    out, err = capsys.readouterr()
    decision = decode_result(out).decision
    assert decision is not None
    assert decision.message == words
    assert err == f"Skipped. {words}\n"


@pytest.mark.usefixtures("restored")
def test_a_failure_of_a_direct_run_is_told_of_flags(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(options: object) -> None:
        raise Unavailable("R", "No answer (spec.tracking.uri).")

    monkeypatch.delenv("TRAINER_RUN", raising=False)
    monkeypatch.setattr(commands, "configure", fail)
    monkeypatch.setattr(commands, "do", fail)
    assert cli.main(["run"]) == ExitCode.UNAVAILABLE
    failure = decode_result(capsys.readouterr().out).failure
    assert failure is not None
    assert failure.message == "No answer (--tracking-uri)."
    assert cli.main(["report", "7"]) == ExitCode.UNAVAILABLE
    assert capsys.readouterr() == ("", "R: No answer (--tracking-uri).\n")
