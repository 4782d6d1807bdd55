"""What people say episodes were: labels from a file into the database."""

import csv
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql

from trainer_job import reasons
from trainer_job.database.connection import Database
from trainer_job.database.locks import lock_transaction
from trainer_job.database.tables import episode_labels, failures
from trainer_job.errors import UnusableData
from trainer_job.formats import read_bytes

STANDARD_INPUT = "-"
HUMAN = "human"
"""Source of the labels: only these count for the F1 gate."""

_COLUMNS = ("episode", "label")
_LARGEST = 2**63 - 1
_AT_ONCE = 10_000
"""Rows of one statement."""


@dataclass(frozen=True)
class Label:
    """A line of the file."""

    line: int
    episode: int
    label: str


@dataclass(frozen=True)
class Labelled:
    """What a file changed."""

    new: int
    changed: int
    unchanged: int

    def __str__(self) -> str:
        total = self.new + self.changed + self.unchanged
        counts = f"{self.new} new, {self.changed} changed, {self.unchanged} unchanged"
        return f"{total} labels: {counts}. The next run counts them."


def read(file: str) -> list[Label]:
    """Read a CSV file with the columns ``episode`` and ``label``; others are left alone.

    Parameters
    ----------
    file
        Its path, or ``-`` for standard input.

    Raises
    ------
    BadConfiguration
        If there is no such file.
    UnusableData
        If a line is not of its format; the message names it.
    """
    content = sys.stdin.buffer.read() if file == STANDARD_INPUT else read_bytes(Path(file))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(file, f"byte {error.start} is not UTF-8 text") from None
    if "\0" in text:
        raise _bad(file, "it holds a NUL, which no text does")
    rows = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        absent = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
        if absent:
            raise _bad(file, f"line 1 names no column {' and no column '.join(absent)}")
        labels = [_label(file, rows.line_num, row) for row in rows]
    except csv.Error as error:
        raise _bad(file, f"line {rows.line_num}: {error}") from None
    _refuse_twice(file, labels)
    return labels


def store(database: Database, file: str, labels: list[Label]) -> Labelled:
    """Write labels of the source `human`, all or none; the same a second time changes nothing.

    Parameters
    ----------
    database
        Migrated.
    file, labels
        :func:`read`.

    Raises
    ------
    UnusableData
        If the database knows no such episode.
    JobError
        If the database cannot be used.
    """
    with database.errors(), database.engine.begin() as connection:
        lock_transaction(connection, "label")
        counts = [
            _store(connection, file, labels[start : start + _AT_ONCE])
            for start in range(0, len(labels), _AT_ONCE)
        ]
    return Labelled(*(sum(column) for column in zip((0, 0, 0), *counts, strict=True)))


def _store(connection: Connection, file: str, labels: list[Label]) -> tuple[int, int, int]:
    episodes = [label.episode for label in labels]
    known = set(connection.scalars(select(failures.c.id).where(failures.c.id.in_(episodes))))
    unknown = [label for label in labels if label.episode not in known]
    if unknown:
        more = f", and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise _bad(file, f"line {unknown[0].line}: there is no episode {unknown[0].episode}{more}")
    before = _before(connection, episodes)
    fresh = [label for label in labels if before.get(label.episode) != label.label]
    if fresh:
        rows = [
            {"failure": label.episode, "source": HUMAN, "label": label.label} for label in fresh
        ]
        statement = postgresql.insert(episode_labels).values(rows)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["failure", "source"],
                set_={"label": statement.excluded.label, "at": func.now()},
            )
        )
    new = sum(label.episode not in before for label in labels)
    return new, len(fresh) - new, len(labels) - len(fresh)


def _before(connection: Connection, episodes: list[int]) -> Mapping[int, str]:
    table = episode_labels.c
    rows = connection.execute(
        select(table.failure, table.label).where(table.source == HUMAN, table.failure.in_(episodes))
    )
    return {row.failure: row.label for row in rows}


def _label(file: str, line: int, row: Mapping[str | None, object]) -> Label:
    episode, label = (str(row[column] or "").strip() for column in _COLUMNS)
    if not (episode.isascii() and episode.isdecimal() and int(episode) <= _LARGEST):
        raise _bad(file, f"line {line}: {episode!r} is no id of an episode")
    if not label:
        raise _bad(file, f"line {line}: the label of episode {episode} is empty")
    return Label(line, int(episode), label)


def _refuse_twice(file: str, labels: list[Label]) -> None:
    lines: dict[int, int] = {}
    for label in labels:
        first = lines.setdefault(label.episode, label.line)
        if first != label.line:
            raise _bad(file, f"lines {first} and {label.line} both label episode {label.episode}")


def _bad(file: str, what: str) -> UnusableData:
    where = "Standard input" if file == STANDARD_INPUT else f"File {file}"
    return UnusableData(
        reasons.BAD_FILE,
        f"{where}: {what}. No label was changed. Give a CSV file with the columns episode (an id "
        "of the table failures) and label, one line an episode.",
    )
