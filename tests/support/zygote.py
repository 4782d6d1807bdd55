"""The job in processes that need not import it: forked from one that has done so once.

    zygote = Zygote(folder)
    attempt = zygote.start(["run"], environment)
    attempt.wait()

It takes three seconds of imports from each of some hundred attempts. Nothing is drawn: that
takes most of what is left of a small run, and decides nothing.
"""

import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

MODULES = (
    *("trainer_job.pipeline", "trainer_job.proving", "trainer_job.commands"),
    *("mlflow.pyfunc", "psycopg2", "tests.support.zygote"),
)
_SECONDS = 120


class Attempt:
    """One process of the job.

    Parameters
    ----------
    process
        Started a moment ago.
    log
        Where its output goes.
    """

    def __init__(self, process: ForkServerProcess, log: Path) -> None:
        self._process = process
        self.log = log

    def wait(self) -> int:
        """Wait for its end and return its exit code, as a container's."""
        self._process.join(_SECONDS)
        if (code := self._process.exitcode) is None:
            self.kill()
            return 137
        return code if code >= 0 else 128 - code

    def kill(self) -> None:
        """End it as the kubelet ends a container that does not listen."""
        self._process.kill()

    @property
    def result(self) -> str:
        """Return the line of its log that holds its result, "" where there is none."""
        lines = reversed(self.log.read_text(errors="replace").splitlines())
        return next((line for line in lines if line.startswith('{"run"')), "")


class Zygote:
    """Starts attempts, from any thread.

    Parameters
    ----------
    folder
        Where the logs go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(MODULES))

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Attempt:
        """Start ``trainer-job`` with these arguments and no other variables."""
        return self._fork(main, list(arguments), dict(environment))

    def predict(self, environment: Mapping[str, str], model: str, request: str) -> str:
        """Return what a predictor answers that serves a model; "" where it cannot."""
        attempt = self._fork(answer, dict(environment), model, request)
        return attempt.log.read_text() if attempt.wait() == 0 else ""

    def _fork(self, target: Callable[..., None], *arguments: object) -> Attempt:
        log = self._folder / f"attempt-{next(self._numbers)}.log"
        log.touch()
        process = self._context.Process(target=target, args=(str(log), *arguments), daemon=True)
        process.start()
        return Attempt(process, log)


def main(log: str, arguments: list[str], environment: dict[str, str]) -> None:
    """Be one attempt."""
    from trainer_job import cli, report

    os.environ.clear()
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    vars(report)["write"] = lambda folder, data: None
    code = cli.main(arguments)
    sys.stdout.flush()
    os._exit(code)


def answer(log: str, environment: dict[str, str], model: str, request: str) -> None:
    """Be a predictor that answers once, with the model's own code."""
    os.environ.update(environment)
    import mlflow.pyfunc
    import pandas as pd

    split = json.loads(request)["dataframe_split"]
    table = mlflow.pyfunc.load_model(model).predict(
        pd.DataFrame(split["data"], columns=split["columns"])
    )
    Path(log).write_text(f'{{"predictions": {table.to_json(orient="records")}}}')
