"""Episodes of PostgreSQL, read in one snapshot."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import compress
from threading import Lock
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg2
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from trainer_job import reasons
from trainer_job.database import blocks, computing, kept, statements
from trainer_job.database.blocks import NAMES, Block
from trainer_job.database.connection import Database
from trainer_job.database.faults import translate
from trainer_job.database.snapshot import Snapshot
from trainer_job.episodes import Integers, Manifest, Which
from trainer_job.errors import UnusableData
from trainer_job.moments import LEVEL, LOG, ORDER, Moments, from_readings

_POSTGRES_EPOCH = np.datetime64("2000-01-01T00:00:00", "us")


class PostgresEpisodes:
    """Episodes of the database, read in one snapshot while the context is open.

    Parameters
    ----------
    database
        Migrated.
    needs
        Names of the moments that will be asked for.
    rebuild
        Compute everything anew, and keep only that.
    compute
        Returns the moments of readings, also those which no SQL computes.
    """

    def __init__(
        self,
        database: Database,
        needs: Sequence[str] = LEVEL,
        rebuild: bool = False,
        compute: Callable[[pd.DataFrame, tuple[str, ...]], Moments] = from_readings,
    ) -> None:
        self._database = database
        self._compute = compute
        self._needs = tuple(needs)
        self._rebuild = rebuild
        self._kinds = [
            kind for kind in statements.KINDS if kind == "level" or set(NAMES[kind]) & set(needs)
        ]
        self._blocks: list[Block] = []
        self._stack = ExitStack()
        self._computing = Lock()

    def __enter__(self) -> Self:
        with ExitStack() as stack, self._errors():
            self._snapshot = stack.enter_context(Snapshot(self._database.engine, kept.mark))
            self._connection = self._snapshot.connection
            self._seen = kept.see(self._connection, self._snapshot.before)
            self._late = kept.late(self._connection, self._seen)
            # What is dropped from what is kept, once.
            self._stale, self._all_stale = self._late, self._rebuild or self._seen.restarted
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def manifest(
        self,
        since: datetime,
        until: datetime,
        machines: Sequence[str],
        which: Which | None = None,
    ) -> Manifest:
        """Return the closed episodes with readings whose start lies in [since, until).

        Of those, where it is given, the ones that `which` chooses by their machines and starts.
        """
        condition = "start_time >= :since AND start_time < :until"
        values: dict[str, Any] = {"since": since, "until": until}
        if machines:
            condition += " AND machine = ANY(:machines)"
            values["machines"] = list(machines)
        return self._manifest(condition, values, which)

    def recorded(self, ids: Sequence[int] | Integers) -> Manifest:
        """Return those of the given episodes that are still there."""
        return self._manifest("f.id = ANY(:ids)", {"ids": [int(each) for each in ids]})

    def moments(self, ids: Sequence[int] | Integers) -> Moments:
        """Return the moments of episodes, in the given order."""
        wanted = np.asarray(ids, dtype=np.int64)
        self._describe(wanted)
        more = [name for name in self._needs if name not in {*LEVEL, *LOG, *ORDER}]
        names = [name for kind in self._kinds for name in NAMES[kind]]
        found = blocks.assemble(self._blocks, wanted, names)
        return self._add(found, more) if more else found

    def readings(self, ids: Sequence[int] | Integers) -> pd.DataFrame:
        """Return the readings of a few episodes in order of episode and time."""
        with self._errors():
            return _read(self._connection, ids)

    def changed(self, ids: Sequence[int]) -> list[int]:
        """Return the episodes whose readings are not those that their moments were made of.

        That is what a change or a deletion of old readings leaves: nothing else tells of it.
        """
        wanted = np.asarray(ids, dtype=np.int64)
        known = self._describe(wanted)
        with self._errors():
            fresh = list(computing.compute(self._snapshot, wanted, ["level"], self._from_readings))
        found = blocks.facts(fresh, wanted)
        now = dict(zip(found["failure"].tolist(), found["digest"].tolist(), strict=True))
        before = zip(known["failure"].tolist(), known["digest"].tolist(), strict=True)
        return [episode for episode, digest in before if now.get(episode) != digest]

    def open_episodes(self, since: datetime, until: datetime, machines: Sequence[str]) -> int:
        """Return how many failures that started in the window are not over yet."""
        statement = """
            SELECT count(*) FROM failures WHERE is_active AND start_time >= :since
                AND start_time < :until AND (machine = ANY(:machines) OR :all)
        """
        values = {"since": since, "until": until, "machines": list(machines), "all": not machines}
        with self._errors():
            return int(self._connection.execute(text(statement), values).scalar_one())

    def earlier(
        self, since: datetime, bound: datetime, machines: Sequence[str], number: int
    ) -> datetime:
        """Return the start of the window that holds this many more episodes.

        Parameters
        ----------
        since
            Start of the window so far.
        bound
            The earliest start that it may have.
        machines
            Whose episodes count; all where empty.
        number
            How many more episodes are wanted.
        """
        statement = """
            SELECT min(start_time) FROM (
                SELECT start_time FROM failures f
                WHERE NOT is_active AND start_time < :since AND start_time >= :bound
                    AND (machine = ANY(:machines) OR :all)
                    AND EXISTS (SELECT FROM readings r WHERE r.failure = f.id)
                ORDER BY start_time DESC LIMIT :number
            ) earlier
        """
        values = {"since": since, "bound": bound, "number": number}
        values |= {"machines": list(machines), "all": not machines}
        with self._errors():
            found = self._connection.execute(text(statement), values).scalar_one()
        return since if found is None else _utc(found)

    def _manifest(
        self, condition: str, values: dict[str, Any], which: Which | None = None
    ) -> Manifest:
        with self._errors():
            row = self._connection.execute(text(statements.chosen(condition)), values).one()
        ids, machines, started, ended, labels = (column or [] for column in row)
        chosen = np.array(ids, dtype=np.int64)
        if which is not None:
            wanted = which(np.array(machines, dtype=object), _times(started))
            parts = (machines, started, ended, labels)
            machines, started, ended, labels = (list(compress(part, wanted)) for part in parts)
            chosen = chosen[wanted]
        facts = self._describe(chosen)
        rows = np.searchsorted(chosen, facts["failure"])
        latest = _POSTGRES_EPOCH + facts["latest"].astype("timedelta64[us]")
        closed = _times(ended)[rows]
        return Manifest(
            ids=facts["failure"],
            machines=np.array(machines, dtype=object)[rows],
            started=_times(started)[rows],
            closed=np.where(np.isnat(closed), latest, closed),
            labels=np.array(labels, dtype=object)[rows],
            readings=facts["readings"],
            unusable=facts["unusable"],
            duplicates=facts["duplicates"],
            digests=facts["digest"],
        )

    def _describe(self, ids: npt.NDArray[np.int64]) -> dict[str, Integers]:
        """Read or compute what is not known yet; return the facts, ordered by id."""
        known = {kind: blocks.known(self._blocks, kind) for kind in self._kinds}
        missing = ids[~np.logical_and.reduce([np.isin(ids, each) for each in known.values()])]
        with self._errors():
            if len(missing):
                self._find(missing)
            else:
                self._keep([])
        return blocks.facts(self._blocks, ids)

    def _find(self, ids: npt.NDArray[np.int64]) -> None:
        """Take what is kept of these episodes, compute the rest and keep it."""
        anew = self._rebuild or self._seen.restarted or not self._seen.writes
        for kind in self._kinds:
            usable = ids[~np.isin(ids, self._late)]
            usable = usable[~np.isin(usable, blocks.known(self._blocks, kind))]
            if not anew and len(usable):
                self._blocks += kept.read(self._snapshot, kind, usable.tolist())
        lacking = {
            kind: ids[~np.isin(ids, blocks.known(self._blocks, kind))] for kind in self._kinds
        }
        # An episode without readings is looked at each time, and costs nothing.
        rest = np.unique(np.concatenate(list(lacking.values())))
        # Of an episode whose level is known, the other moments are those of the same sensors.
        known = {sensor for block in self._blocks for sensor in block.sensors}
        fresh = list(
            computing.compute(self._snapshot, rest, self._kinds, self._from_readings, known)
        )
        self._snapshot.shrink()
        fresh = [blocks.only(block, lacking[block.kind]) for block in fresh]
        self._blocks += fresh
        self._keep([block for block in fresh if len(block.values)])

    def _keep(self, new: Sequence[Block]) -> None:
        """Keep what was computed, and drop once what is stale."""
        if new or len(self._stale) or self._all_stale:
            stale = self._stale.tolist()
            kept.keep(self._database, self._seen, stale, new, self._all_stale)
            rebuilds = self._seen.rebuilds + self._all_stale  # this one is ours
            self._seen = replace(self._seen, rebuilds=rebuilds)
            self._stale, self._all_stale = np.array([], dtype=np.int64), False

    def _from_readings(
        self, connection: Connection, ids: Integers, sensors: tuple[str, ...]
    ) -> Moments:
        """Return moments that are computed here, of a bounded number of readings at a time."""
        with self._computing:
            readings = _read(connection, ids.tolist())
            columns = ["episode", "timestamp", *sensors]
            return self._compute(readings.reindex(columns=columns), sensors)

    def _add(self, found: Moments, names: Sequence[str]) -> Moments:
        """Return moments with more of them, for which all readings have to come here."""
        tables = dict(found.tables)
        for name in names:
            tables[name] = np.full(found["n"].shape, np.nan)
        for rows in computing.batches(np.arange(len(found.episodes)), found.readings):
            part = found.episodes[rows].astype(np.int64)
            with self._errors():
                computed = self._from_readings(self._connection, part, found.sensors)
            order = pd.Index(computed.episodes.astype(np.int64)).get_indexer(pd.Index(part))
            for name in names:
                tables[name][rows] = computed[name][order]
        return Moments(found.episodes, found.sensors, found.readings, tables)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn PostgreSQL's errors into ours, also those of statements past SQLAlchemy."""
        try:
            with self._database.errors():
                yield
        except psycopg2.DataError as error:
            said = str(error).strip().partition("\n")[0]
            raise UnusableData(
                reasons.UNREADABLE,
                f"Readings of database {self._database.settings} hold what PostgreSQL cannot read: "
                f"{said}. Find and correct them; a column of type jsonb would have refused them.",
            ) from error
        except psycopg2.Error as error:
            wrapped = DBAPIError("", None, error)
            raise translate(wrapped, self._database.settings) from error


def _read(connection: Connection, ids: Sequence[int] | Integers) -> pd.DataFrame:
    """Return the readings of a few episodes in order of episode and time."""
    cursor = connection.connection.cursor()
    cursor.execute(statements.readings(ids))
    rows = cursor.fetchall()
    head = {
        "episode": [str(failure) for failure, _, _ in rows],
        "timestamp": _texts([seconds for _, seconds, _ in rows]),
    }
    table = pd.DataFrame.from_records([values for _, _, values in rows])
    names = sorted(set(map(str, table.columns)) - set(statements.RESERVED), key=blocks.natural)
    return pd.concat([pd.DataFrame(head), table.reindex(columns=names)], axis=1)


def _times(seconds: Sequence[float | None]) -> npt.NDArray[np.datetime64]:
    """Return seconds since 1970 as times to the microsecond."""
    values = np.array([np.nan if each is None else each for each in seconds], dtype=np.float64)
    times = np.full(len(values), np.datetime64("NaT", "us"))
    known = np.isfinite(values)
    times[known] = np.round(values[known] * 1e6).astype(np.int64).astype("datetime64[us]")
    return times


def _texts(seconds: Sequence[float | None]) -> list[str | None]:
    """Return seconds since 1970 as ISO 8601; None where a time is missing or infinite."""
    return [None if np.isnat(time) else f"{time}+00:00" for time in _times(seconds)]


def _utc(moment: datetime) -> datetime:
    """Return a time of the database; those of an old installation may have no zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
