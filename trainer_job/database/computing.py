"""Computing moments in the database: some episodes at a time, fast where the values allow it.

Statements of some hundred episodes run on several connections at a time. That keeps as many of
the server's processes busy as a parallel query would, at any size: how a query over millions of
rows is planned need not be hoped for.
"""

import logging
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg2
from sqlalchemy import Connection, text

from trainer_job.database import copying, statements
from trainer_job.database.blocks import FACTS, Block
from trainer_job.database.snapshot import Snapshot
from trainer_job.database.statements import KINDS
from trainer_job.moments import LARGEST, ORDER, Moments, signed_log

GROUPS = 20_000
"""Pairs of episode and sensor that one statement aggregates: about 10 MB of the server's memory."""

ENOUGH = 4_000
"""Readings of a statement, so that its overhead of some milliseconds does not count."""

SENSORS = 250
"""Sensors of one statement: a row of PostgreSQL has at most 1,600 columns."""

NAMED_EPISODES, NAMED_READINGS = 200, 2_000
"""Episodes and readings that are searched for sensors which one reading of each episode may lack.
Among more, those which only some readings have are found in a sample: one that is in 1 of 20
episodes is missed once in 30,000 times, one that is in 1 of 250 readings once in 3,000."""

HELD = 20_000
"""Readings that are held here at a time, where they have to come here."""

Integers = npt.NDArray[np.int64]
Reader = Callable[[Connection, npt.NDArray[np.int64], tuple[str, ...]], Moments]
"""Reads whole episodes and computes their moments here."""


def compute(
    snapshot: Snapshot[Any],
    ids: npt.NDArray[np.int64],
    kinds: Sequence[str],
    reader: Reader,
    known: Iterable[str] = (),
) -> Iterator[Block]:
    """Yield the moments of these episodes; those without readings are left out.

    Parameters
    ----------
    snapshot
        Open.
    ids
        Episodes.
    kinds
        Keys of :data:`trainer_job.database.statements.KINDS`.
    reader
        For moments in order of time of episodes that lack a sensor in some of their readings.
    known
        Sensors to look for, whatever else is found.
    """
    if not len(ids):
        return
    found, length = _sampled(snapshot.connection, ids)
    names = found | set(known)
    parts = _parts(ids, len(names), length, snapshot.size)
    work = partial(_blocks, names=names, kinds=kinds, reader=reader)
    for blocks in snapshot.each(parts, work):
        yield from blocks


def _sampled(connection: Connection, ids: npt.NDArray[np.int64]) -> tuple[set[str], float]:
    """Return names of sensors, and the mean number of readings of an episode."""
    some = ids
    if len(ids) > NAMED_EPISODES:
        # By chance, since every n-th episode may be that of one machine; the same ones each time.
        some = np.random.default_rng(0).choice(ids, NAMED_EPISODES, replace=False)
    listed = some.tolist()
    ((number,),) = _fetch(connection, statements.amount(listed))
    step = max(1, number // NAMED_READINGS)
    names = {name for (name,) in _fetch(connection, statements.sensors(listed, step))}
    return names, number / len(listed)


def _parts(
    ids: npt.NDArray[np.int64], sensors: int, length: float, workers: int
) -> list[npt.NDArray[np.int64]]:
    """Split episodes so that every worker gets some, and no statement has too few or too many."""
    most = GROUPS // max(1, min(sensors, SENSORS))
    even = math.ceil(len(ids) / (3 * workers))
    least = math.ceil(ENOUGH / max(1.0, length))
    size = max(1, min(most, max(even, least)))
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _blocks(
    connection: Connection,
    ids: npt.NDArray[np.int64],
    names: Collection[str],
    kinds: Sequence[str],
    reader: Reader,
) -> list[Block]:
    own = {name for (name,) in _fetch(connection, statements.first_sensors(ids.tolist()))}
    sensors = tuple(sorted(own.union(names)))
    # The level says whether values are measurements, and which episodes have gaps.
    plain = ["level", *(kind for kind in kinds if kind == "log")]
    found = _aggregated(connection, ids.tolist(), sensors, plain)
    blocks = [block for block in found if block.kind in kinds]
    if "order" in kinds:
        blocks.append(_ordered(connection, found[0], reader))
    return blocks


def _aggregated(
    connection: Connection,
    ids: list[int],
    names: tuple[str, ...],
    kinds: Sequence[str],
) -> list[Block]:
    """Return a block a kind; wide tables are read some sensors at a time."""
    parts = [names[at : at + SENSORS] for at in range(0, len(names), SENSORS)] or [()]
    tables = [_table(connection, ids, part, kinds) for part in parts]
    order = [np.argsort(rows["failure"]) for rows in tables]
    facts = {name: tables[0][name][order[0]].astype(np.int64) for name in FACTS}
    facts["unusable"] = np.sum(
        [rows["unusable"][place] for rows, place in zip(tables, order, strict=True)],
        axis=0,
        dtype=np.int64,
    )
    widths = [len(KINDS[kind]) for kind in kinds]
    values = np.concatenate(
        [
            _values(rows)[place].reshape(len(rows), len(part), sum(widths))
            for rows, place, part in zip(tables, order, parts, strict=True)
        ],
        axis=1,
    ).astype(np.float64)
    split = np.split(values, np.cumsum(widths)[:-1], axis=2)
    _level_constants(*split)
    return [Block(kind, names, facts, part) for kind, part in zip(kinds, split, strict=True)]


def _table(
    connection: Connection, ids: list[int], names: tuple[str, ...], kinds: Sequence[str]
) -> copying.Rows:
    """Return the rows of the fast statement, or of the careful one where values need it."""
    if names and statements.nameable(names):
        query = statements.moments(ids, names, kinds)
        rows = _attempt(connection, lambda: _copy(connection, query, names, kinds))
        if rows is not None and _measurable(rows, len(names), kinds):
            return rows
    return _copy(connection, statements.careful_moments(ids, names, kinds), names, kinds)


def _attempt(connection: Connection, ask: Callable[[], copying.Rows]) -> copying.Rows | None:
    """Return the rows; None where a value is no number. The transaction stays usable."""
    connection.execute(text("SAVEPOINT attempt"))
    try:
        rows = ask()
    except psycopg2.DataError as error:
        logging.getLogger(__name__).debug("values are no numbers: %s", error)
        connection.execute(text("ROLLBACK TO SAVEPOINT attempt"))
        return None
    connection.execute(text("RELEASE SAVEPOINT attempt"))
    return rows


def _measurable(rows: copying.Rows, sensors: int, kinds: Sequence[str]) -> bool:
    """Say whether all values are measurements: texts may stand for NaN, infinity or more."""
    width = sum(len(KINDS[kind]) for kind in kinds)
    level = _values(rows).reshape(len(rows), sensors, width)[:, :, : len(KINDS["level"])]
    with np.errstate(invalid="ignore"):
        fine = (np.abs(level[:, :, 3:5]) <= LARGEST).all(axis=2)
    return bool((fine | (level[:, :, 0] == 0)).all())


def _copy(
    connection: Connection, query: str, names: tuple[str, ...], kinds: Sequence[str]
) -> copying.Rows:
    count = len(names) * sum(len(KINDS[kind]) for kind in kinds)
    parts = copying.integers("failure", "readings", "latest", "digest", "unusable", "duplicates")
    return _rows(connection, query, [*parts, *copying.doubles("values", count)])


def _values(rows: copying.Rows) -> npt.NDArray[Any]:
    return np.asarray(rows["values"]["value"])


def _rows(connection: Connection, query: str, parts: list[tuple[Any, ...]]) -> copying.Rows:
    return copying.read(connection.connection.cursor(), query, parts)


def _level_constants(
    level: npt.NDArray[np.float64], log: npt.NDArray[np.float64] | None = None
) -> None:
    """Take away the spread that rounding makes up where all values are equal.

    It would be standardised, and look like any other.
    """
    constant = _constant(level)
    low = level[constant][:, 3]
    level[constant, 1], level[constant, 2] = low, 0
    if log is not None:
        log[constant, 0], log[constant, 1] = signed_log(low), 0


def _constant(level: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    return np.asarray(level[:, :, 3] == level[:, :, 4])


def _ordered(connection: Connection, level: Block, reader: Reader) -> Block:
    """Return the moments in order of time."""
    ids, counts = level.facts["failure"], level.values[:, :, 0]
    readings = level.facts["readings"][:, None]
    whole = ((counts == readings) | (counts == 0)).all(axis=1) & (level.facts["unusable"] == 0)
    values = np.full((*counts.shape, len(ORDER)), np.nan)
    if not statements.nameable(level.sensors):
        whole[:] = False
    if whole.any() and level.sensors and not _fill_whole(connection, level, whole, values):
        whole[:] = False
    for rows in batches(np.flatnonzero(~whole), level.facts["readings"]):
        computed = reader(connection, ids[rows], level.sensors)
        for place, name in enumerate(ORDER):
            values[rows, :, place] = computed[name]
    values[_constant(level.values), ORDER.index("st")] = 0
    return Block("order", level.sensors, level.facts, values)


def _fill_whole(
    connection: Connection,
    level: Block,
    whole: npt.NDArray[np.bool_],
    values: npt.NDArray[np.float64],
) -> bool:
    """Fill in what the database computes; say whether it could."""
    ids = level.facts["failure"]
    for start in range(0, len(level.sensors), SENSORS):
        part = level.sensors[start : start + SENSORS]
        query = statements.ordered_moments(ids[whole].tolist(), part)
        width = copying.doubles("values", len(part) * len(ORDER))
        ask = partial(_rows, connection, query, [*copying.integers("failure"), *width])
        rows = _attempt(connection, ask)
        if rows is None:  # a square that is too small for a double
            return False
        places = np.searchsorted(ids, rows["failure"].astype(np.int64))
        found = _values(rows).reshape(len(rows), len(part), len(ORDER))
        values[places, start : start + len(part)] = found
    absent = level.values[:, :, 0] == 0
    values[absent] = np.nan
    return True


def batches(rows: Integers, readings: Integers) -> list[Integers]:
    """Split rows so that the readings of each part may be held at a time.

    Parameters
    ----------
    rows
        Places of episodes.
    readings : shape (episodes,)
        Number of readings of every episode.
    """
    parts = np.cumsum(readings[rows]) // HELD
    return [rows[parts == part] for part in np.unique(parts)]


def _fetch(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, past SQLAlchemy, which would take a % for a parameter."""
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    return list(cursor.fetchall())
