"""Moments that are kept from one run to the next, so that a run computes what is new.

Closed episodes rarely change, but a reading may come late: its id is given before it is
committed, so that it may appear below ids that were seen long ago. Hence the watermark, with one
promise: whatever is kept reflects all readings up to that id. It may only be raised to an id
below which, in the snapshot that is read, nothing can appear any more: every transaction that was
at work when the id was the highest has ended since. Readings above the watermark are looked up,
and what is kept of an episode that has more of them now is computed anew.

Changed or deleted readings leave no trace that could be found without reading all of them:
after such a repair, a run with ``rebuild`` computes everything anew.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, text

from trainer_job.database import copying
from trainer_job.database.blocks import FACTS, Block
from trainer_job.database.connection import Database
from trainer_job.database.locks import lock_transaction
from trainer_job.database.snapshot import Snapshot
from trainer_job.database.statements import KINDS, array
from trainer_job.moments import VERSION

HELD = 250_000
"""Values that are read at a time by each connection: 2 MB, twice."""

MARGIN = 1000
"""Ids below the watermark that are looked at again: a session may hold numbers in reserve
(CREATE SEQUENCE … CACHE)."""


@dataclass(frozen=True)
class Layout:
    """What the values of a row are: a hash of it is the layout's id."""

    kind: str
    sensors: tuple[str, ...]

    @property
    def id(self) -> int:
        """Return the id, the same in every process."""
        content = json.dumps([VERSION, self.kind, self.sensors], ensure_ascii=False).encode()
        return int.from_bytes(hashlib.sha256(content).digest()[:8], "big", signed=True)

    @property
    def width(self) -> int:
        """Number of values in a row."""
        return len(self.sensors) * len(KINDS[self.kind])


@dataclass(frozen=True)
class Mark:
    """The highest id of a reading at some moment, and the transactions that were at work then."""

    reading: int
    horizon: int
    """Transactions below this one had begun; all later ones get higher ids."""


@dataclass(frozen=True)
class Seen:
    """What a snapshot shows of the watermark.

    Attributes
    ----------
    watermark
        What is kept reflects the readings up to this id.
    writes
        Number of times that something was kept: changes whenever another job was faster.
    complete
        Id up to which the snapshot shows every reading that there will ever be.
    rebuilds
        Number of times that everything was dropped: what is computed in a snapshot from before
        must not come back.
    restarted
        Whether ids are given that were given before: the tables were emptied, or restored.
    """

    watermark: int
    writes: int
    complete: int
    rebuilds: int
    restarted: bool


def mark(connection: Connection) -> Mark:
    """Take a mark; some time before the snapshot, so that what was at work may have ended."""
    statement = """
        SELECT coalesce(max(id), 0), pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        FROM readings
    """
    return Mark(*connection.execute(text(statement)).one())


def see(connection: Connection, before: Mark) -> Seen:
    """Return what the connection's snapshot shows."""
    row = connection.execute(
        text("""
            SELECT reading, writes, rebuilds FROM trainer.feature_watermark
            WHERE version = :version
        """),
        {"version": VERSION},
    ).one_or_none()
    watermark, writes, rebuilds = (0, 0, 0) if row is None else row
    oldest = connection.execute(
        text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    ).scalar_one()
    settled = before.reading if before.horizon <= oldest else 0
    if before.reading < watermark:
        return Seen(0, writes, settled, rebuilds, restarted=True)
    return Seen(watermark, writes, max(watermark, settled), rebuilds, restarted=False)


def late(connection: Connection, seen: Seen) -> npt.NDArray[np.int64]:
    """Return the episodes that are kept and have got more readings since."""
    if seen.writes == 0:
        return np.array([], dtype=np.int64)
    rows = connection.execute(
        text("""
            SELECT array_agg(DISTINCT k.failure) FROM (
                SELECT DISTINCT failure FROM readings WHERE id > :above AND failure IS NOT NULL
            ) recent
            JOIN trainer.episode_features k ON k.failure = recent.failure
            JOIN trainer.feature_layouts l ON l.id = k.layout AND l.version = :version
            WHERE k.readings <> (SELECT count(*) FROM readings r WHERE r.failure = recent.failure)
        """),
        {"above": seen.watermark - MARGIN, "version": VERSION},
    ).scalar_one()
    return np.array(rows or [], dtype=np.int64)


def read(snapshot: Snapshot[Any], kind: str, ids: Sequence[int]) -> list[Block]:
    """Return what is kept of these episodes."""
    # Of a long history there are many layouts, of these episodes few.
    found = snapshot.connection.execute(
        text("""
            SELECT sensors FROM trainer.feature_layouts l WHERE version = :version AND kind = :kind
                AND EXISTS (SELECT FROM trainer.episode_features f WHERE f.layout = l.id
                    AND f.failure BETWEEN :first AND :last)
        """),
        {"version": VERSION, "kind": kind, "first": min(ids), "last": max(ids)},
    ).scalars()
    layouts = [Layout(kind, tuple(sensors)) for sensors in found]
    return list(snapshot.each([part for each in layouts for part in _parts(each, ids)], _block))


def keep(
    database: Database, seen: Seen, stale: Iterable[int], blocks: Sequence[Block], all_stale: bool
) -> None:
    """Keep blocks that were computed in the snapshot of `seen`, and drop what is stale.

    Jobs that do this at the same time wait for each other; each leaves the promise of the
    watermark true.
    """
    with database.errors(), database.engine.begin() as connection:
        lock_transaction(connection, "features")
        writes = _move_watermark(connection, seen, all_stale)
        if writes is None:
            return
        if all_stale:
            connection.execute(text("DELETE FROM trainer.episode_features"))
            connection.execute(text("DELETE FROM trainer.feature_layouts"))
        elif writes == 1:  # without a watermark, nothing is known of what is there
            connection.execute(
                text("""
                    DELETE FROM trainer.episode_features WHERE layout IN
                        (SELECT id FROM trainer.feature_layouts WHERE version = :version)
                """),
                {"version": VERSION},
            )
        _drop(connection, list(KINDS), list(stale))
        for kind in KINDS:
            new = [block for block in blocks if block.kind == kind]
            # Another job may have kept the same meanwhile.
            _drop(connection, [kind], [each for block in new for each in block.facts["failure"]])
            _write(connection, new)


def _move_watermark(connection: Connection, seen: Seen, all_stale: bool) -> int | None:
    """Raise the watermark to what the snapshot shows completely.

    Where another job kept something since the snapshot, its rows and ours reflect no more than
    the lower of the two. Where another job dropped everything, our rows may be what it dropped.

    Returns
    -------
    int or None
        Number of times that something was kept, this time included; None where our rows may not
        be.
    """
    values = {"version": VERSION, "complete": seen.complete, "writes": seen.writes}
    moved = connection.execute(
        text("""
            INSERT INTO trainer.feature_watermark AS w (version, reading, writes, rebuilds)
            VALUES (:version, :complete, 1, :rebuilds + :more)
            ON CONFLICT (version) DO UPDATE SET
                writes = w.writes + 1, rebuilds = w.rebuilds + :more, reading = CASE
                    WHEN w.writes = :writes OR :more = 1 THEN :complete
                    ELSE least(w.reading, :complete) END
            WHERE w.rebuilds = :rebuilds
            RETURNING w.writes
        """),
        values | {"rebuilds": seen.rebuilds, "more": int(all_stale)},
    )
    writes: int | None = moved.scalar_one_or_none()
    return writes


def _drop(connection: Connection, kinds: Sequence[str], ids: Sequence[int]) -> None:
    if ids:
        connection.execute(
            text("""
                DELETE FROM trainer.episode_features f WHERE f.failure = ANY (:ids) AND (
                    f.layout IN (SELECT id FROM trainer.feature_layouts
                        WHERE version = :version AND kind = ANY (:kinds))
                    -- Somebody may have emptied the table of layouts alone.
                    OR f.layout NOT IN (SELECT id FROM trainer.feature_layouts)
                )
            """),
            {"version": VERSION, "kinds": list(kinds), "ids": [int(each) for each in ids]},
        )


def _write(connection: Connection, blocks: Sequence[Block]) -> None:
    layouts = {Layout(block.kind, block.sensors) for block in blocks}
    for layout in layouts:
        values = {"id": layout.id, "version": VERSION, "kind": layout.kind}
        connection.execute(
            text("""
                INSERT INTO trainer.feature_layouts (id, version, kind, sensors)
                VALUES (:id, :version, :kind, :sensors) ON CONFLICT DO NOTHING
            """),
            values | {"sensors": list(layout.sensors)},
        )
    columns = ", ".join(("layout", *FACTS, "moments"))
    for block in blocks:
        layout = Layout(block.kind, block.sensors)
        parts = [*copying.integers("layout", *FACTS), *copying.packed("moments", layout.width)]
        rows = copying.empty(len(block.values), parts)
        rows["layout"] = layout.id
        for name in FACTS:
            rows[name] = block.facts[name]
        rows["moments"] = block.values.reshape(len(rows), -1)
        copying.write(_cursor(connection), f"trainer.episode_features ({columns})", rows)


_Part = tuple[Layout, Sequence[int]]


def _parts(layout: Layout, ids: Sequence[int]) -> list[_Part]:
    size = max(1, HELD // max(1, layout.width))
    return [(layout, ids[start : start + size]) for start in range(0, len(ids), size)]


def _block(connection: Connection, part: _Part) -> Block:
    layout, ids = part
    parts = [*copying.integers(*FACTS), *copying.packed("moments", layout.width)]
    query = (
        f"SELECT {', '.join((*FACTS, 'moments'))} "  # noqa: S608 - ids are integers
        f"FROM trainer.episode_features WHERE layout = {layout.id} AND failure = ANY ({array(ids)})"
    )
    rows = copying.read(_cursor(connection), query, parts)
    facts = {name: rows[name].astype(np.int64) for name in FACTS}
    shape = (len(rows), len(layout.sensors), len(KINDS[layout.kind]))
    values = rows["moments"].astype(np.float64).reshape(shape)
    return Block(layout.kind, layout.sensors, facts, values)


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()
