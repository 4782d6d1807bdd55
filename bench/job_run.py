"""One small run in this process, and where its seconds go: ``python -m bench.job_run FILE``.

Writes to FILE what it measured and which requests it made. ``python -m bench.job_run FILE again``
imports the same modules and makes the same requests and statements, and nothing else.
"""

import builtins
import importlib
import io
import json
import os
import sys
import time
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any


def since_start() -> float:
    """Return the seconds since this process was started."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began


class Meter:
    """Counts seconds by what they are spent on; what happens inside of it counts once."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._depth = 0

    def wrap(self, name: str, function: Any) -> Any:
        """Return a function that does the same and is counted under a name."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            self._depth += 1
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self.spent[name] = self.spent.get(name, 0) + time.perf_counter() - start

        return timed


def run(file: Path) -> None:
    """Run the job once and write what was measured."""
    meter = Meter()
    builtins.__import__ = meter.wrap("imports", builtins.__import__)
    import requests

    requested: list[dict[str, Any]] = []
    send = requests.Session.send

    def recorded(self: Any, request: Any, **kwargs: Any) -> Any:
        body = request.body
        size = int(request.headers.get("Content-Length") or 0)
        requested.append(
            {
                "method": request.method,
                "url": request.url,
                "type": request.headers.get("Content-Type"),
                "body": body.decode()
                if isinstance(body, bytes)
                else body
                if isinstance(body, str)
                else None,
                "size": size,
            }
        )
        return send(self, request, **kwargs)

    requests.Session.send = meter.wrap("MLflow calls", recorded)  # type: ignore[method-assign]
    statements = _count_statements(meter)
    from trainer_job.cli import main

    with redirect_stdout(io.StringIO()):
        code = main(["run", "--features", "robust", "--lookback", "24h"])
    measured = {
        "code": code,
        "seconds": since_start(),
        "spent": meter.spent,
        "statements": len(statements),
        "requests": requested,
        "modules": [name for name in sys.modules if not name.startswith(("trainer_job", "bench"))],
    }
    file.write_text(json.dumps(measured))


def again(file: Path) -> None:
    """Import and request the same, and print the seconds."""
    measured = json.loads(file.read_text())
    warnings.simplefilter("ignore")
    for name in measured["modules"]:
        try:
            importlib.import_module(name)
        except Exception:
            continue  # parts of packages that are no modules of their own
    import requests

    session = requests.Session()
    for made in measured["requests"]:
        body = made["body"] if made["body"] is not None else bytes(made["size"])
        headers = {"Content-Type": made["type"]} if made["type"] else {}
        session.request(made["method"], made["url"], data=body or None, headers=headers)
    _ask(measured["statements"])
    print(since_start())


def _count_statements(meter: Meter) -> list[str]:
    """Count what SQLAlchemy executes, and the seconds of all that goes to the database."""
    import psycopg2.extensions

    made: list[str] = []

    class Cursor(psycopg2.extensions.cursor):
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            made.append("execute")
            return meter.wrap("database", super().execute)(*args, **kwargs)

        def copy_expert(self, sql: Any, file: Any, *args: Any) -> Any:
            made.append("copy")
            return meter.wrap("database", super().copy_expert)(sql, file, *args)

    connect = psycopg2.connect

    def counted(*args: Any, **kwargs: Any) -> Any:
        made.append("connect")
        return meter.wrap("database", connect)(*args, **kwargs | {"cursor_factory": Cursor})

    psycopg2.connect = counted
    return made


def _ask(statements: int) -> None:
    import psycopg2

    from trainer_job.settings import DatabaseSettings

    settings = DatabaseSettings.from_environment()
    connection = psycopg2.connect(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        password=settings.password,
        dbname=settings.name,
    )
    for _ in range(statements):
        connection.cursor().execute("SELECT 1")


if __name__ == "__main__":
    (again if "again" in sys.argv else run)(Path(sys.argv[1]))
