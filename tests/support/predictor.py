"""A real predictor for tests, started as a Deployment starts it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.support.processes import free_port, running


@contextmanager
def predictor(tracking_uri: str, model_uri: str, folder: Path) -> Iterator[str]:
    """Yield the URL of a predictor that knows nothing but the server and the model.

    It cannot import this project: a model brings its own code.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (folder / "trainer_job.py").write_text("raise ImportError('not for predictors')\n")
    programs = Path(sys.executable).parent
    argv: list[str | Path] = [
        *("env", "--ignore-environment", f"--chdir={folder}"),
        *(f"HOME={folder}", f"TMPDIR={folder}"),
        *(f"PATH={programs}:/usr/bin:/bin", f"PYTHONPATH={folder}"),
        *(f"MLFLOW_TRACKING_URI={tracking_uri}", "MLFLOW_DISABLE_TELEMETRY=true"),
        *(programs / "mlflow", "models", "serve", f"--model-uri={model_uri}"),
        *("--env-manager=local", "--host=127.0.0.1", f"--port={port}"),
    ]
    with running(argv, folder / "predictor.log", lambda: _answers(url), 180):
        yield url


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=2).ok
    except requests.RequestException:
        return False
