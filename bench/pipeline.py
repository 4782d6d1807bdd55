"""``make bench-pipeline``: how long it takes to read episodes, beside other ways to do it.

Starts a PostgreSQL of its own on a loopback port, fills it with invented episodes, and runs each
reader of :mod:`bench.readers` in a process of its own. Prints seconds, rows a second, the memory
above what the imports take and the CPU time of the database's processes; figures of other readers
also as ratios to ours. Every reader must come to the same statistics, or the table is not printed.
"""

import argparse
import importlib.metadata
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.readers import READERS
from tests.support.postgres import PostgresServer
from trainer_job.database.connection import Database, connect
from trainer_job.database.migrate import migrate
from trainer_job.settings import DatabaseSettings

SENSORS = 20
LENGTH = 50
"""Readings of an episode."""

_SERVER = """
shared_buffers = 512MB
max_wal_size = 8GB
"""

TICK = os.sysconf("SC_CLK_TCK")

_FILL = """
    INSERT INTO machines (machine_id) SELECT 'm' || n FROM generate_series(0, 49) n
    ON CONFLICT DO NOTHING;
    INSERT INTO failures (id, machine, start_time, end_time, is_active)
    SELECT n, 'm' || n % 50, at, at + interval '50 s', false
    FROM generate_series({first}, {last}) n,
        LATERAL (SELECT timestamptz '2026-01-01Z' + n * interval '1 min' AS at) t;
    INSERT INTO readings ("timestamp", "values", machine, failure)
    SELECT f.start_time + k * interval '1 s', (
        SELECT jsonb_object_agg('Sensor ' || s, (random() * 100 + f.id % 7 * 10)::float8)
        FROM generate_series(1, {sensors}) s WHERE k = k
    ), f.machine, f.id
    FROM failures f, generate_series(0, {length} - 1) k WHERE f.id BETWEEN {first} AND {last}
    ORDER BY 1;
"""


@dataclass(frozen=True)
class Row:
    """What one reader took; `skipped` says why it could not be run."""

    name: str
    seconds: float = math.nan
    memory: float = math.nan
    cpu: float = math.nan
    skipped: str = ""


def main() -> None:
    """Fill, measure and print."""
    options = _options()
    with PostgresServer(_SERVER) as server:
        settings = server.create_database()
        database = connect(settings)
        migrate(database)
        episodes = 0
        for readings in options.readings:
            wanted = readings // LENGTH
            _fill(database, episodes + 1, wanted)
            episodes = _measure(database, settings, server.pid, wanted, options)


def _measure(
    database: Database, settings: DatabaseSettings, pid: int, episodes: int, options: Any
) -> int:
    """Print the table of one size; return the number of episodes that are there after it."""
    readings = episodes * LENGTH
    print(f"\n{readings:,} readings x {SENSORS} sensors, {episodes:,} episodes", flush=True)
    _forget(database)
    first, found = _run("ours", settings, pid)
    rows = [Row(**first.__dict__ | {"name": "ours, first run"})]
    new = max(1, episodes // 100)
    others = [] if readings > options.largest else [name for name in READERS if name != "ours"]
    for name in others:
        row, theirs = _run(name, settings, pid)
        rows.append(row)
        if theirs and not _agree(found, theirs):
            sys.exit(f"{name} comes to {theirs}, ours to {found}")
    _fill(database, episodes + 1, episodes + new)
    again, _ = _run("ours", settings, pid)
    rows.insert(1, Row(**again.__dict__ | {"name": "ours, 1 % new"}))
    _print(rows, readings)
    return episodes + new


def _run(name: str, settings: DatabaseSettings, pid: int) -> tuple[Row, dict[str, Any] | None]:
    variables = {
        "POSTGRES_HOST": settings.host,
        "POSTGRES_PORT": str(settings.port),
        "POSTGRES_USER": settings.user,
        "POSTGRES_PASSWORD": settings.password,
        "POSTGRES_DB": settings.name,
    }
    before = _database_cpu(pid)
    process = subprocess.run(
        [sys.executable, "-m", "bench.readers", name],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        lines = process.stderr.strip().splitlines()
        return Row(name, skipped=lines[-1][:100] if lines else "killed"), None
    found = json.loads(process.stdout)
    cpu = _database_cpu(pid) - before
    return Row(name, found["seconds"], found["memory"], cpu), found


def _database_cpu(postmaster: int) -> float:
    """Return the CPU seconds of the server's processes, those that have ended included."""
    total = sum(_times(postmaster))
    for child in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
        try:
            total += sum(_times(int(child))[:2])
        except FileNotFoundError:
            continue
    return total


def _times(pid: int) -> list[float]:
    """Return a process's user and system time, and those of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [int(field) / TICK for field in fields[11:15]]


def _agree(one: dict[str, Any] | None, other: dict[str, Any]) -> bool:
    if one is None:
        return False
    same = all(one[name] == other[name] for name in ("episodes", "readings"))
    return same and math.isclose(one["total"], other["total"], rel_tol=1e-9)


def _fill(database: Database, first: int, last: int) -> None:
    script = _FILL.format(first=first, last=last, sensors=SENSORS, length=LENGTH)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
        connection.execute(text("VACUUM ANALYZE readings"))
        connection.execute(text("VACUUM ANALYZE failures"))


def _forget(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("TRUNCATE trainer.episode_features, trainer.feature_watermark"))


def _print(rows: list[Row], readings: int) -> None:
    ours = rows[0].seconds
    print(f"{'':32} {'s':>8} {'ratio':>7} {'rows/s':>10} {'MiB':>6} {'db CPU s':>9}")
    for row in rows:
        if row.skipped:
            print(f"{row.name:32} not to be had here: {row.skipped}")
            continue
        print(
            f"{row.name:32} {row.seconds:8.2f} {row.seconds / ours:7.2f} "
            f"{readings / row.seconds:10,.0f} {row.memory / 2**20:6.0f} {row.cpu:9.1f}",
            flush=True,
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--readings",
        type=int,
        nargs="+",
        default=[100_000, 1_000_000],
        help="sizes, rising (100000 1000000); 10000000 needs about 12 GB of disk",
    )
    parser.add_argument(
        "--largest",
        type=int,
        default=1_000_000,
        help="the other readers are measured up to this size (1000000)",
    )
    options = parser.parse_args()
    versions = ("pandas", "polars", "adbc-driver-postgresql", "duckdb", "psycopg2-binary")
    named = [f"{name} {_version(name)}" for name in versions]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {', '.join(named)}")
    return options


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
