"""Running other programs to their end, with their output in the error message."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

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
        last = "\n".join((done.stdout + done.stderr).splitlines()[-_SHOWN:])
        raise ClusterError(f"`{' '.join(command)}` failed with {done.returncode}:\n{last}")
    return done.stdout


def succeeds(argv: Sequence[str | Path]) -> bool:
    """Say whether a program exists and ends with 0."""
    try:
        run(argv)
    except ClusterError:
        return False
    return True
