"""Computing moments in the database: some episodes at a time, fast where the values allow it."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg2
from sqlalchemy import Connection, text

from trainer_job.database import copying, statements
from trainer_job.database.kept import FACTS, Block
from trainer_job.database.statements import KINDS
from trainer_job.moments import LARGEST, ORDER, Moments, signed_log

GROUPS = 100_000
"""Pairs of episode and sensor that one statement aggregates: about 50 MB of the server's memory."""

SENSORS = 250
"""Sensors of one statement: a row of PostgreSQL has at most 1,600 columns."""

NAMED_READINGS = 20_000
"""Readings whose sensors' names are read. Among more, a sensor that most episodes have is found
also in a sample: it would have to be in less than one of a thousand readings to be missed."""

_SESSION = (
    # Compiling hundreds of aggregates takes seconds and saves none.
    "SET LOCAL jit = off",
    "SET LOCAL work_mem = '64MB'",
    # The snapshot waits while the model is fitted.
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)

HELD = 20_000
"""Readings that are held here at a time, where they have to come here."""

Integers = npt.NDArray[np.int64]
Reader = Callable[[npt.NDArray[np.int64], tuple[str, ...]], Moments]
"""Reads whole episodes and computes their moments here."""


def prepare(connection: Connection) -> None:
    """Set what the transaction's statements need."""
    for statement in _SESSION:
        connection.execute(text(statement))


def sensors_of(connection: Connection, ids: Sequence[int]) -> tuple[str, ...]:
    """Return the names of all sensors of these episodes, sorted."""
    ((number,),) = _fetch(connection, statements.amount(ids))
    step = max(1, number // NAMED_READINGS)
    return tuple(sorted(name for (name,) in _fetch(connection, statements.sensors(ids, step))))


def compute(
    connection: Connection,
    ids: npt.NDArray[np.int64],
    kinds: Sequence[str],
    reader: Reader,
) -> Iterator[Block]:
    """Yield the moments of these episodes; those without readings are left out.

    Parameters
    ----------
    connection
        In a transaction that :func:`prepare` has seen.
    ids
        Episodes.
    kinds
        Keys of :data:`trainer_job.database.statements.KINDS`.
    reader
        For moments in order of time of episodes that lack a sensor in some of their readings.
    """
    if not len(ids):
        return
    names = sensors_of(connection, ids.tolist())
    size = max(1, GROUPS // max(1, len(names)))
    # The level says whether values are measurements, and which episodes have gaps.
    plain = ["level", *(kind for kind in kinds if kind == "log")]
    for start in range(0, len(ids), size):
        some = ids[start : start + size].tolist()
        again = _duplicates(connection, some)
        blocks = _aggregated(connection, some, names, plain, again)
        yield from (block for block in blocks if block.kind in kinds)
        if "order" in kinds:
            yield _ordered(connection, blocks[0], reader)


def _aggregated(
    connection: Connection,
    ids: list[int],
    names: tuple[str, ...],
    kinds: Sequence[str],
    duplicates: dict[int, int],
) -> list[Block]:
    """Return a block a kind; wide tables are read some sensors at a time."""
    parts = [names[at : at + SENSORS] for at in range(0, len(names), SENSORS)] or [()]
    tables = [_table(connection, ids, part, kinds) for part in parts]
    order = [np.argsort(rows["failure"]) for rows in tables]
    facts = {
        name: tables[0][name][order[0]].astype(np.int64) for name in FACTS if name != "duplicates"
    }
    facts["unusable"] = np.sum(
        [rows["unusable"][place] for rows, place in zip(tables, order, strict=True)],
        axis=0,
        dtype=np.int64,
    )
    facts["duplicates"] = np.array(
        [duplicates.get(int(each), 0) for each in facts["failure"]], dtype=np.int64
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
    parts = copying.integers("failure", "readings", "latest", "digest", "unusable")
    return _rows(connection, query, [*parts, *copying.doubles("values", count)])


def _values(rows: copying.Rows) -> npt.NDArray[Any]:
    return np.asarray(rows["values"]["value"])


def _rows(connection: Connection, query: str, parts: list[tuple[Any, ...]]) -> copying.Rows:
    pieces: list[copying.Rows] = []
    copying.read(connection.connection.cursor(), query, parts, pieces.append)
    if pieces:
        return np.concatenate(pieces)
    return np.zeros(0, np.dtype([("columns", ">i2"), *parts]))


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
        computed = reader(ids[rows], level.sensors)
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


def _duplicates(connection: Connection, ids: list[int]) -> dict[int, int]:
    return dict(_fetch(connection, statements.duplicates(ids)))


def _fetch(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, past SQLAlchemy, which would take a % for a parameter."""
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    return list(cursor.fetchall())
