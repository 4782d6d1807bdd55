"""Where episodes come from: the seam to the data, and PostgreSQL behind it."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, Self

import pandas as pd
from sqlalchemy import Row, text

from trainer_job.database.connection import Database
from trainer_job.features import LARGEST, STATISTICS


@dataclass(frozen=True)
class Episode:
    """One closed failure.

    Attributes
    ----------
    digest
        Changes with the values of its readings, whatever their order.
    """

    id: int
    machine: str
    closed: datetime
    label: str | None
    readings: int
    digest: str


@dataclass(frozen=True)
class Manifest:
    """The episodes of a run, ordered by id."""

    episodes: tuple[Episode, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the episodes."""
        return tuple(episode.id for episode in self.episodes)

    def only(self, ids: Sequence[int]) -> "Manifest":
        """Return the part with these ids."""
        wanted = set(ids)
        return Manifest(tuple(episode for episode in self.episodes if episode.id in wanted))

    def hash(self) -> str:
        """Return what identifies the episodes and all values of their readings.

        Made of integers and not of the features: sums of doubles differ in their last bits
        with the order in which the server adds them.
        """
        rows = [[episode.id, episode.readings, episode.digest] for episode in self.episodes]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


class EpisodeSource(Protocol):
    """What the pipeline needs of a store of episodes."""

    def manifest(self, since: datetime, until: datetime, machines: Sequence[str]) -> Manifest:
        """Return the closed episodes with readings whose start lies in [since, until)."""

    def recorded(self, ids: Sequence[int]) -> Manifest:
        """Return those of the given episodes that are still there."""

    def moments(self, ids: Sequence[int]) -> pd.DataFrame:
        """Return a row an episode and sensor with usable readings.

        Columns ``episode``, ``sensor`` and the statistics of :mod:`trainer_job.features`.
        """

    def readings(self, ids: Sequence[int]) -> pd.DataFrame:
        """Return the readings of a few episodes in order of episode and time.

        Columns ``episode`` (string), ``timestamp`` (ISO 8601) and one a sensor, NaN where
        there is no usable reading.
        """


_CHOSEN = """
WITH chosen AS (
    SELECT id, machine, end_time FROM failures WHERE NOT is_active AND {condition}
), held AS (
    SELECT failure, count(*) AS readings, max("timestamp") AS latest,
           sum(jsonb_hash_extended("values"::jsonb, 0)) AS digest
    FROM readings WHERE failure IN (SELECT id FROM chosen) GROUP BY failure
)
SELECT chosen.id, chosen.machine, coalesce(chosen.end_time, held.latest) AS closed,
       episode_labels.label, held.readings, held.digest
FROM chosen
JOIN held ON held.failure = chosen.id
LEFT JOIN trainer.episode_labels
    ON episode_labels.failure = chosen.id AND episode_labels.source = 'human'
ORDER BY chosen.id
"""

# A value that is no number, or none that a double holds, drops out here and fails no query:
# CASE decides before it casts. A sensor cannot have the name of a column of the model's input.
_NUMBERS = f"""
SELECT episode, reading, "timestamp", sensor, x FROM (
    SELECT r.failure AS episode, r.id AS reading, r."timestamp", pair.key AS sensor,
        CASE WHEN jsonb_typeof(pair.value) <> 'number' THEN NULL
             WHEN abs(pair.value::numeric) < {1 / LARGEST} THEN 0
             WHEN abs(pair.value::numeric) <= {LARGEST} THEN pair.value::float8 END AS x
    FROM readings r CROSS JOIN LATERAL jsonb_each(
        CASE WHEN jsonb_typeof(r."values"::jsonb) = 'object' THEN r."values"::jsonb
             ELSE '{{}}' END) pair
    WHERE r.failure = ANY(:ids) AND pair.key NOT IN ('episode', 'timestamp')
) numbers WHERE x IS NOT NULL
"""  # noqa: S608 - the only values put in are constants

# Where all readings are equal, rounding must not make up a spread: it would be standardised.
_MOMENTS = f"""
SELECT episode, sensor,
       CASE WHEN min(x) = max(x) THEN min(x) ELSE avg(x) END AS mean,
       CASE WHEN min(x) = max(x) THEN 0 ELSE stddev_pop(x) END AS std,
       min(x) AS min, max(x) AS max
FROM ({_NUMBERS}) numbers GROUP BY episode, sensor
"""  # noqa: S608 - as above


class PostgresEpisodes:
    """Episodes of the database, read in one snapshot while the context is open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._database.errors():
            connection = self._database.engine.connect()
            self._stack.enter_context(connection)
            self._connection = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def manifest(self, since: datetime, until: datetime, machines: Sequence[str]) -> Manifest:
        """Return the closed episodes with readings whose start lies in [since, until)."""
        condition = "start_time >= :since AND start_time < :until"
        values: dict[str, Any] = {"since": since, "until": until}
        if machines:
            condition += " AND machine = ANY(:machines)"
            values["machines"] = list(machines)
        return self._manifest(condition, values)

    def recorded(self, ids: Sequence[int]) -> Manifest:
        """Return those of the given episodes that are still there."""
        return self._manifest("id = ANY(:ids)", {"ids": list(ids)})

    def moments(self, ids: Sequence[int]) -> pd.DataFrame:
        """Return a row an episode and sensor with usable readings."""
        rows = self._rows(_MOMENTS, {"ids": list(ids)})
        return pd.DataFrame(rows, columns=["episode", "sensor", *STATISTICS])

    def readings(self, ids: Sequence[int]) -> pd.DataFrame:
        """Return the readings of a few episodes in order of episode and time."""
        rows = self._rows(f'{_NUMBERS} ORDER BY episode, "timestamp", reading', {"ids": list(ids)})
        columns = ["episode", "reading", "timestamp", "sensor", "x"]
        table = pd.DataFrame(rows, columns=columns)
        table["timestamp"] = [_utc(row.timestamp).isoformat() for row in rows]
        table["episode"] = table["episode"].astype(str)
        wide = table.pivot(index=["episode", "timestamp", "reading"], columns="sensor", values="x")
        order = table[["episode", "timestamp", "reading"]].drop_duplicates()
        wide = wide.reindex(pd.MultiIndex.from_frame(order)).reset_index()
        return wide.drop(columns="reading").rename_axis(columns=None)

    def _manifest(self, condition: str, values: dict[str, Any]) -> Manifest:
        rows = self._rows(_CHOSEN.format(condition=condition), values)
        return Manifest(
            tuple(
                Episode(
                    id=row.id,
                    machine=row.machine,
                    closed=_utc(row.closed),
                    label=row.label,
                    readings=row.readings,
                    digest=str(row.digest),
                )
                for row in rows
            )
        )

    def _rows(self, statement: str, values: dict[str, Any]) -> Sequence[Row[Any]]:
        with self._database.errors():
            return self._connection.execute(text(statement), values).all()


def _utc(moment: datetime) -> datetime:
    """Return a time of the database; those of an old installation may have no zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
