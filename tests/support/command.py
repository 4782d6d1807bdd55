"""``trainer-job`` as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from trainer_job.contract import Result, decode_result
from trainer_job.settings import DatabaseSettings

PROGRAM = Path(sys.executable).parent / "trainer-job"


def environment(settings: DatabaseSettings, **variables: str) -> dict[str, str]:
    """Return this process's environment with a database and further variables."""
    own = {
        "POSTGRES_HOST": settings.host,
        "POSTGRES_PORT": str(settings.port),
        "POSTGRES_USER": settings.user,
        "POSTGRES_PASSWORD": settings.password,
        "POSTGRES_DB": settings.name,
    }
    return {**os.environ, **own, **variables}


def trainer_job(
    *arguments: str, environ: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a folder."""
    return subprocess.run(
        [PROGRAM, *arguments],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def result_of(done: subprocess.CompletedProcess[str]) -> Result:
    """Return the result in the last line of the log."""
    assert done.stdout, done.stderr
    return decode_result(done.stdout.splitlines()[-1])
