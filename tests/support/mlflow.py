"""A real MLflow server for tests, on a loopback port of its own."""

import os
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import free_port, running


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Yield the URL of a server that keeps everything in a folder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [
        *("env", "MLFLOW_DISABLE_TELEMETRY=true", "PYTHONDONTWRITEBYTECODE=", f"TMPDIR={folder}"),
        # Six more processes, for jobs of MLflow's own that nothing here asks for.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false",
        # The server starts its workers by names on PATH.
        f"PATH={Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        *(sys.executable, "-m", "mlflow", "server", "--host=127.0.0.1", f"--port={port}"),
        *("--workers=1", f"--backend-store-uri=sqlite:///{folder / 'mlflow.db'}"),
        *(f"--artifacts-destination={folder / 'artifacts'}", "--serve-artifacts"),
    ]
    with running(argv, folder / "mlflow.log", lambda: _answers(url), 120):
        yield url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2):
            return True
    except OSError:
        return False
