"""Data files: what can be loaded, and how it becomes episodes and readings."""

import csv
import io
import math
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from trainer_job import reasons
from trainer_job.errors import BadConfiguration, UnusableData

ROBOT_SENSORS = ("Fx", "Fy", "Fz", "Tx", "Ty", "Tz")
"""Forces and torques of the robot failures, in the order of their columns."""

ROBOT_STEP = timedelta(milliseconds=315)
"""Time between two readings of the robot."""

CSV_STEP = timedelta(seconds=1)
"""Time between two rows of a reference file, which does not tell it."""

LABEL = "Label"
"""Column of a reference file that names the failure mode of a row, where it is known."""

Reading = dict[str, float]


@dataclass(frozen=True)
class Span:
    """Consecutive readings: an episode where they are failing, else normal operation."""

    readings: tuple[Reading, ...]
    label: str | None
    failing: bool


@dataclass(frozen=True)
class Recording:
    """A file's spans in order of time.

    Attributes
    ----------
    step, pause
        Time between two readings, and after each episode's end before the next span.
    """

    spans: tuple[Span, ...]
    step: timedelta
    pause: timedelta


def read_recording(file: Path, content: bytes | None = None) -> Recording:
    """Read a file of robot failures, or a reference file (CSV with a column ``Label``).

    Raises
    ------
    BadConfiguration
        If there is no such file.
    UnusableData
        If a line is not of its format; the message names it.
    """
    content = read_bytes(file) if content is None else content
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(file, f"byte {error.start} is not UTF-8 text") from None
    if "\0" in text:
        raise _bad(file, "it holds a NUL, which no text does")
    first = text.split("\n", 1)[0]
    try:
        recording = _reference(file, text) if "," in first else _robot_failures(file, text)
    except csv.Error as error:
        raise _bad(file, str(error)) from None
    if not recording.spans:
        raise _bad(file, "it holds no reading")
    return recording


def read_bytes(file: Path) -> bytes:
    """Return a file's content.

    Raises
    ------
    BadConfiguration
        If it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION, f"File {file} cannot be read: {error.strerror}."
        ) from None


def _robot_failures(file: Path, text: str) -> Recording:
    """Read records of a label line and indented lines of six numbers, blank lines between."""
    spans: list[Span] = []
    label: str | None = None
    rows: list[Reading] = []

    def close() -> None:
        if label is not None:
            if not rows:
                raise _bad(file, f"record {len(spans) + 1} ({label}) has no reading")
            spans.append(Span(tuple(rows), label, failing=True))
            rows.clear()

    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if not line[0].isspace():
            close()
            label = line.strip()
        elif label is None:
            raise _bad(file, f"line {number} comes before the first label")
        else:
            rows.append(_row(file, number, line.split()))
    close()
    return Recording(tuple(spans), ROBOT_STEP, pause=CSV_STEP)


def _row(file: Path, number: int, cells: list[str]) -> Reading:
    if len(cells) != len(ROBOT_SENSORS):
        raise _bad(file, f"line {number} has {len(cells)} values, not {len(ROBOT_SENSORS)}")
    return {
        sensor: _number(file, number, cell)
        for sensor, cell in zip(ROBOT_SENSORS, cells, strict=True)
    }


def _reference(file: Path, text: str) -> Recording:
    """Read a table: consecutive rows with the same label are an episode, others are normal."""
    table = csv.reader(io.StringIO(text))
    columns = next(table)
    if LABEL not in columns or len(set(columns)) < len(columns):
        raise _bad(file, f"line 1 must name each sensor once, and {LABEL}")
    rows: list[tuple[str | None, Reading]] = []
    for cells in table:
        if not cells:
            continue
        if len(cells) != len(columns):
            raise _bad(file, f"line {table.line_num} has {len(cells)} values, not {len(columns)}")
        row = dict(zip(columns, cells, strict=True))
        label = row.pop(LABEL).strip() or None
        filled = {sensor: cell for sensor, cell in row.items() if cell.strip()}
        rows.append((label, {s: _number(file, table.line_num, c) for s, c in filled.items()}))
    spans = tuple(
        Span(tuple(reading for _, reading in group), label, failing=label is not None)
        for label, group in groupby(rows, key=lambda row: row[0])
    )
    return Recording(spans, CSV_STEP, pause=timedelta(0))


def _number(file: Path, line: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _bad(file, f"line {line}: {cell.strip()!r} is no number")
    return value


def _bad(file: Path, what: str) -> UnusableData:
    return UnusableData(
        reasons.BAD_FILE,
        f"File {file}: {what}. Give a file of robot failures (a label line, then indented lines "
        f"of six numbers) or a CSV file with a column {LABEL}.",
    )
