"""Running other programs to their end, with their output in the error message."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from hack.cluster.errors import ClusterError

_SHOWN = 30


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
) -> str:
    """Run a program and return its standard output.

    Raises
    ------
    ClusterError
        If it cannot be started or fails; the message ends with the last lines that it printed.
    """
    command = [str(part) for part in argv]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise ClusterError(f"{command[0]} could not be started: {error}") from error
    if done.returncode != 0:
        raise ClusterError(_failure(command, done.returncode, done.stdout + done.stderr))
    return done.stdout


def feed(argv: Sequence[str | Path], write: Callable[[IO[bytes]], object]) -> None:
    """Run a program and write its standard input while it runs.

    Raises
    ------
    ClusterError
        If it fails; the message ends with the last lines that it printed.
    """
    command = [str(part) for part in argv]
    with tempfile.TemporaryFile() as output:
        program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        )
        with program:
            assert program.stdin is not None
            # Why it stopped reading is in what it printed.
            with suppress(BrokenPipeError), program.stdin as stream:
                write(stream)
        if program.returncode:
            output.seek(0)
            printed = output.read().decode(errors="replace")
            raise ClusterError(_failure(command, program.returncode, printed))


def succeeds(argv: Sequence[str | Path]) -> bool:
    """Say whether a program exists and ends with 0."""
    try:
        run(argv)
    except ClusterError:
        return False
    return True


def _failure(command: Sequence[str], code: int, printed: str) -> str:
    """Return the message about a program that failed."""
    last = "\n".join(printed.splitlines()[-_SHOWN:])
    return f"`{' '.join(command)}` failed with {code}:\n{last}"
