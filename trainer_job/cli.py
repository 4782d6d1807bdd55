"""``trainer-job``: how a command ends, and how its result gets out."""

import io
import os
import signal
import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from trainer_job import reasons
from trainer_job.arguments import DECISIVE, parse
from trainer_job.contract import (
    RUN_VARIABLE,
    TERMINATION_LOG,
    ExitCode,
    Failure,
    Result,
    encode_result,
)
from trainer_job.errors import JobError, Terminated, redact
from trainer_job.flags import spoken
from trainer_job.progress import as_note

TERMINATED = 128 + signal.SIGTERM
INTERRUPTED = 128 + signal.SIGINT

UNKNOWN_RUN = "unknown"
"""Stands for the run's uid where the document could not be read."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    _speak_utf8()
    options = parse(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, _terminate)
    return _decide(options) if options.command in DECISIVE else _do(options)


def _decide(options: Namespace) -> int:
    """Do what ends in a result; that is written however it ends."""
    from trainer_job import commands  # noqa: PLC0415 - --help needs no database driver

    uid = UNKNOWN_RUN
    try:
        document = commands.configure(options)
        uid = document.run.uid
        result = commands.decide(options, document)
        code = int(ExitCode.DECIDED)
    except (Exception, Terminated, KeyboardInterrupt) as error:
        failure, code = explain(error)
        result = Result(run=uid, failure=failure)
    if not os.environ.get(RUN_VARIABLE):
        result = _spoken(result)
    # It is decided: who asks for the end now gets the result first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    deliver(result)
    return code


def _do(options: Namespace) -> int:
    """Do what decides nothing: its answer is all that goes to standard output."""
    from trainer_job import commands  # noqa: PLC0415 - as above

    try:
        print(commands.do(options))
    except (Exception, Terminated, KeyboardInterrupt) as error:
        failure, code = explain(error)
        as_note(f"{failure.reason}: {spoken(failure.message)}")
        return code
    return 0


def explain(error: BaseException) -> tuple[Failure, int]:
    """Return what the result says of an error, and the exit code."""
    if isinstance(error, JobError):
        return error.to_failure(), int(error.exit_code)
    if isinstance(error, Terminated | KeyboardInterrupt):
        message = "The job was asked to end before it had decided. Its next attempt goes on."
        code = TERMINATED if isinstance(error, Terminated) else INTERRUPTED
        return Failure(reason=reasons.TERMINATED, message=message), code
    as_note(redact("".join(traceback.format_exception(error))))
    message = f"{type(error).__name__}: {error}. This is a fault of the program: report it."
    fault = JobError(reasons.INTERNAL_ERROR, message)
    return fault.to_failure(), int(fault.exit_code)


def deliver(result: Result, termination_log: Path = Path(TERMINATION_LOG)) -> None:
    """Write the result as the last line of the log, and where the kubelet looks for it."""
    if result.decision is not None:
        as_note(f"{result.decision.outcome}. {result.decision.message}")
    elif result.failure is not None:
        as_note(f"Failed. {result.failure.message}")
    line = encode_result(result)
    if termination_log.is_file():  # the kubelet makes it; elsewhere there is none
        with suppress(OSError):
            termination_log.write_text(line, "utf-8")
    print(line, flush=True)


def _spoken(result: Result) -> Result:
    """Return the result of a run without TrainingRun, in the words of its command line."""
    parts = {"decision": result.decision, "failure": result.failure}
    said = {
        name: part.model_copy(update={"message": spoken(part.message)})
        for name, part in parts.items()
        if part is not None
    }
    return result.model_copy(update=said)


def _speak_utf8() -> None:
    """Write UTF-8 whatever the locale says: the result and the operator's reading of it do."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
