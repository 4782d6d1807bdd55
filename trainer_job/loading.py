"""Putting a data file into the database, once."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects import postgresql

from trainer_job.contract import format_timestamp
from trainer_job.database.connection import Database
from trainer_job.database.locks import lock_transaction
from trainer_job.database.tables import episode_labels, failures, loads, machines, readings
from trainer_job.formats import Recording, Span, read_bytes, read_recording


@dataclass(frozen=True)
class Loaded:
    """What a load left in the database.

    Attributes
    ----------
    fresh
        False where an earlier load of the same content and machine had done it all.
    first, last
        Times of the first and the last reading.
    """

    machine: str
    episodes: int
    readings: int
    first: datetime
    last: datetime
    fresh: bool

    def __str__(self) -> str:
        what = f"{self.episodes} episodes with {self.readings} readings of machine {self.machine}"
        when = f"from {format_timestamp(self.first)} to {format_timestamp(self.last)}"
        if self.fresh:
            return f"Loaded {what}, {when}."
        return (
            f"Nothing to do: {what}, {when}, were loaded before. Another --machine loads them "
            "again, with times of their own."
        )


def load(database: Database, file: Path, end: datetime, machine: str | None = None) -> Loaded:
    """Load the episodes and readings of a file; the same content a second time changes nothing.

    Parameters
    ----------
    database
        Migrated.
    file
        Of a format of :mod:`trainer_job.formats`.
    end
        When the last episode ends; the others lie before it, in the order of the file.
    machine
        Whose readings they are; by default the file's name up to the first dot.

    Raises
    ------
    JobError
        If the file or the database cannot be used.
    """
    content = read_bytes(file)
    recording = read_recording(file, content)
    machine = machine or file.name.split(".")[0] or file.name
    digest = hashlib.sha256(content).hexdigest()
    with database.errors(), database.engine.begin() as connection:
        lock_transaction(connection, "load", digest, machine)
        before = _loaded(connection, digest, machine)
        return before or _load(connection, recording, digest, machine, end)


def _loaded(connection: Connection, content: str, machine: str) -> Loaded | None:
    row = connection.execute(
        select(loads).where(loads.c.content == content, loads.c.machine == machine)
    ).one_or_none()
    if row is None:
        return None
    return Loaded(machine, len(row.episodes), row.readings, row.first, row.last, fresh=False)


def _load(
    connection: Connection, recording: Recording, content: str, machine: str, end: datetime
) -> Loaded:
    times = _times(recording, end)
    first, last = times[0][0], times[-1][-1]
    _see_machine(connection, machine, first, last)
    episodes = _insert_episodes(connection, recording, times, machine)
    rows = [
        {"timestamp": moment, "values": reading, "machine": machine, "failure": episode}
        for span, moments, episode in zip(recording.spans, times, episodes, strict=True)
        for moment, reading in zip(moments, span.readings, strict=True)
    ]
    connection.execute(insert(readings), rows)
    ids = [episode for episode in episodes if episode is not None]
    values: dict[str, Any] = {"content": content, "machine": machine, "episodes": ids}
    values |= {"readings": len(rows), "first": first, "last": last}
    connection.execute(insert(loads), [values])
    return Loaded(machine, len(ids), len(rows), first, last, fresh=True)


def _times(recording: Recording, end: datetime) -> list[list[datetime]]:
    """Return the times of each span's readings, backwards from the end of the last one."""
    times: list[list[datetime]] = []
    for span in reversed(recording.spans):
        start = end - len(span.readings) * recording.step
        times.append([start + k * recording.step for k in range(len(span.readings))])
        end = start - recording.pause
    return times[::-1]


def _see_machine(connection: Connection, machine: str, first: datetime, last: datetime) -> None:
    statement = postgresql.insert(machines).values(
        machine_id=machine, first_seen=first, last_seen=last
    )
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["machine_id"],
            set_={
                "first_seen": func.least(machines.c.first_seen, new.first_seen),
                "last_seen": func.greatest(machines.c.last_seen, new.last_seen),
            },
        )
    )


def _insert_episodes(
    connection: Connection, recording: Recording, times: list[list[datetime]], machine: str
) -> list[int | None]:
    """Insert the failing spans as closed episodes; return the id of each span's episode."""
    failing = [
        (span, moments)
        for span, moments in zip(recording.spans, times, strict=True)
        if span.failing
    ]
    rows = [
        {
            "machine": machine,
            "start_time": moments[0],
            "end_time": moments[-1] + recording.step,
            "is_active": False,
        }
        for _, moments in failing
    ]
    ids: list[int] = []
    if rows:
        statement = insert(failures).returning(failures.c.id, sort_by_parameter_order=True)
        ids = list(connection.execute(statement, rows).scalars())
    _insert_labels(connection, [span for span, _ in failing], ids)
    waiting = iter(ids)
    return [next(waiting) if span.failing else None for span in recording.spans]


def _insert_labels(connection: Connection, spans: list[Span], ids: list[int]) -> None:
    labels = [
        {"failure": episode, "source": "human", "label": span.label}
        for span, episode in zip(spans, ids, strict=True)
        if span.label is not None
    ]
    if labels:
        connection.execute(insert(episode_labels), labels)
