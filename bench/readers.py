"""Ways to get the moments of all episodes out of PostgreSQL: ours, and those to compare with.

Each is run in a process of its own, so that its memory can be told: ``python -m bench.readers
NAME`` reads the POSTGRES_* variables and prints one JSON object.
"""

import io
import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from trainer_job.settings import DatabaseSettings

WINDOW = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


class Found(NamedTuple):
    """What a reader came to: the same for every reader.

    Attributes
    ----------
    episodes, readings
        How many.
    total
        Sum of all means, standard deviations, minima and maxima.
    """

    episodes: int
    readings: int
    total: float


Prepared = Callable[[], Found]
"""Everything is imported and connected; the call is what is measured."""


def ours(settings: DatabaseSettings) -> Prepared:
    """Moments by SQL, with what earlier runs have kept."""
    from trainer_job.database.connection import connect
    from trainer_job.database.source import PostgresEpisodes

    database = connect(settings)

    def read() -> Found:
        with PostgresEpisodes(database) as source:
            manifest = source.manifest(*WINDOW, [])
            moments = source.moments(manifest.ids)
        parts = (moments["mean"], moments.std, moments["min"], moments["max"])
        total = sum(float(part.sum()) for part in parts)
        return Found(len(manifest), int(manifest.readings.sum()), total)

    return read


def naive(settings: DatabaseSettings) -> Prepared:
    """One query an episode, and pandas: what the replaced service did."""
    import pandas as pd

    connection = _connect(settings)

    def read() -> Found:
        cursor = connection.cursor()
        cursor.execute("SELECT id FROM failures WHERE NOT is_active ORDER BY id")
        ids = [row[0] for row in cursor.fetchall()]
        total, readings = 0.0, 0
        for episode in ids:
            cursor.execute('SELECT "values" FROM readings WHERE failure = %s', (episode,))
            table = pd.DataFrame([row[0] for row in cursor.fetchall()])
            parts = (table.mean(), table.std(ddof=0), table.min(), table.max())
            total += sum(float(part.sum()) for part in parts)
            readings += len(table)
        return Found(len(ids), readings, total)

    return read


def copy_polars(settings: DatabaseSettings) -> Prepared:
    """COPY of the readings as text into polars, which decodes the JSON and aggregates."""
    import polars as pl

    connection = _connect(settings)

    def read() -> Found:
        content = io.BytesIO()
        # Quoted by a character that no JSON holds, so that nothing has to be undone.
        connection.cursor().copy_expert(
            r"""COPY (SELECT failure, "values"::text FROM readings WHERE failure IS NOT NULL)
                TO STDOUT (FORMAT csv, DELIMITER E'\t', QUOTE E'\x01')""",
            content,
        )
        content.seek(0)
        columns = ["failure", "values"]
        return _aggregate(
            pl.read_csv(
                content, separator="\t", has_header=False, new_columns=columns, quote_char=None
            )
        )

    return read


def adbc_polars(settings: DatabaseSettings) -> Prepared:
    """Read the same through the driver of ADBC, as Arrow."""
    import adbc_driver_postgresql.dbapi as adbc
    import polars as pl

    uri = settings.url().set(drivername="postgresql").render_as_string(hide_password=False)
    connection = adbc.connect(uri)

    def read() -> Found:
        cursor = connection.cursor()
        cursor.execute(
            'SELECT failure, "values"::text AS "values" FROM readings WHERE failure IS NOT NULL'
        )
        return _aggregate(pl.DataFrame(pl.from_arrow(cursor.fetch_arrow_table())))

    return read


def duckdb_postgres(settings: DatabaseSettings) -> Prepared:
    """DuckDB with its postgres extension, which must be installed or be to be had."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("INSTALL postgres")
    connection.execute("LOAD postgres")
    connection.execute(
        f"ATTACH 'host={settings.host} port={settings.port} user={settings.user} "
        f"password={settings.password} dbname={settings.name}' AS plant (TYPE postgres, READ_ONLY)"
    )
    readings = "plant.readings WHERE failure IS NOT NULL"

    def read() -> Found:
        some = f'SELECT "values"::json AS v FROM {readings} LIMIT 1000'
        keys = f"SELECT DISTINCT unnest(json_keys(v)) FROM ({some})"
        names = [row[0] for row in connection.execute(keys).fetchall()]
        columns = ", ".join(
            f"{each}(TRY_CAST(\"values\"::json->>'{name}' AS DOUBLE))"
            for name in names
            for each in ("avg", "stddev_pop", "min", "max")
        )
        query = f"SELECT count(*), {columns} FROM {readings} GROUP BY failure"
        counts, *parts = connection.execute(query).fetchnumpy().values()
        return Found(len(counts), int(counts.sum()), float(sum(part.sum() for part in parts)))

    return read


READERS: dict[str, Callable[[DatabaseSettings], Prepared]] = {
    "ours": ours,
    "one query an episode, pandas": naive,
    "COPY, polars": copy_polars,
    "ADBC, polars": adbc_polars,
    "DuckDB postgres": duckdb_postgres,
}


def _aggregate(table: Any) -> Found:
    """Decode the column of JSON and aggregate by episode, in polars."""
    import polars as pl

    names = list(json.loads(table["values"][0]))
    fields = pl.Struct([pl.Field(name, pl.Float64) for name in names])
    decoded = table.select("failure", pl.col("values").str.json_decode(fields)).unnest("values")
    columns = [pl.col(name) for name in names]
    found = decoded.group_by("failure").agg(
        pl.len().alias("readings"),
        *(column.mean().name.suffix("_mean") for column in columns),
        *(column.std(ddof=0).name.suffix("_std") for column in columns),
        *(column.min().name.suffix("_min") for column in columns),
        *(column.max().name.suffix("_max") for column in columns),
    )
    total = float(np.nansum(found.drop("failure", "readings").to_numpy()))
    return Found(len(found), int(found["readings"].sum()), total)


def _connect(settings: DatabaseSettings) -> Any:
    import psycopg2

    return psycopg2.connect(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        password=settings.password,
        dbname=settings.name,
    )


def _peak() -> int:
    """Return the most memory that the process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(name: str) -> None:
    """Run one reader and print what it took."""
    read = READERS[name](DatabaseSettings.from_environment())
    before, start = _peak(), time.perf_counter()
    found = read()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "memory": _peak() - before, **found._asdict()}))


if __name__ == "__main__":
    main(sys.argv[1])
