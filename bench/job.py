"""``make bench-job``: where the seconds of a small run go.

Runs the job on one of the shipped data sets, with a PostgreSQL and an MLflow server of its own,
beside a script that only imports the same modules and makes the same requests. Each in a process
of its own, by turns; medians are printed.
"""

import argparse
import json
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from tests.support.command import environment
from tests.support.mlflow import mlflow_server
from tests.support.plant import ROBOT_FAILURES
from tests.support.postgres import PostgresServer
from trainer_job.database.connection import Database, connect
from trainer_job.database.migrate import migrate
from trainer_job.loading import load

DATA = ROBOT_FAILURES / "lp4.data.txt"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each (5)")
    repeats = parser.parse_args().repeats
    with (
        TemporaryDirectory() as place,
        PostgresServer() as server,
        mlflow_server(Path(place)) as url,
    ):
        settings = server.create_database()
        database = connect(settings)
        migrate(database)
        load(database, DATA, datetime.now(UTC))
        variables = environment(settings, MLFLOW_TRACKING_URI=url)
        file = Path(place, "measured.json")
        runs, others = [], []
        for _ in range(repeats + 1):
            _python(variables, file)
            runs.append(json.loads(file.read_text()))
            others.append(float(_python(variables, file, "again")))
            _forget(database)
        # The first of each fills the caches of files.
        _print(runs[1:], others[1:])


def _python(variables: dict[str, str], *arguments: object) -> str:
    command = [sys.executable, "-m", "bench.job_run", *map(str, arguments)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def _forget(database: Database) -> None:
    """Take back what would make the next run another one."""
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "TRUNCATE trainer.episode_features, trainer.feature_watermark, "
                "trainer.training_runs"
            )
        )


def _print(runs: list[dict[str, object]], others: list[float]) -> None:
    if any(run["code"] for run in runs):
        sys.exit("a run did not end with 0")
    whole = statistics.median(float(str(run["seconds"])) for run in runs)
    names = ("imports", "database", "MLflow calls")
    rest = whole
    print(f"{DATA.name}, {len(runs)} runs, medians")
    for name in names:
        seconds = statistics.median(_spent(run, name) for run in runs)
        rest -= seconds
        print(f"  {name:32} {seconds:6.2f} s")
    print(f"  {'fit, verdict, report and the rest':32} {rest:6.2f} s")
    print(f"{'whole run':34} {whole:6.2f} s")
    requests = len(list(runs[-1]["requests"]))  # type: ignore[call-overload]
    other = statistics.median(others)
    print(f"{'the same imports and requests':34} {other:6.2f} s")
    print(f"ratio {whole / other:.2f}; {requests} requests, {runs[-1]['statements']} statements")


def _spent(run: dict[str, object], name: str) -> float:
    spent = run["spent"]
    return float(spent.get(name, 0.0)) if isinstance(spent, dict) else 0.0


if __name__ == "__main__":
    main()
