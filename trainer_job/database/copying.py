"""PostgreSQL's binary COPY as NumPy arrays: rows of fixed width, without an object a value.

Format: https://www.postgresql.org/docs/current/sql-copy.html (Binary Format).
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
Rows = npt.NDArray[np.void]


def integers(*names: str) -> list[tuple[Any, ...]]:
    """Return the parts of columns of type bigint, timestamp or timestamptz.

    Times are microseconds since 2000, UTC.
    """
    return [part for name in names for part in ((f"{name}_size", ">i4"), (name, ">i8"))]


def doubles(name: str, count: int) -> list[tuple[Any, ...]]:
    """Return the parts of a column of type float8[] that has `count` elements and no null."""
    # An empty array has no dimension, whose size and lower bound are left out then.
    header = ("size", "dims", "nulls", "type", *(("dim", "low") if count else ()))
    parts = [(f"{name}_{part}", ">i4") for part in header]
    return [*parts, (name, [("length", ">i4"), ("value", ">f8")], (count,))]


def packed(name: str, count: int) -> list[tuple[Any, ...]]:
    """Return the parts of a column of type bytea that holds `count` little-endian doubles."""
    return [(f"{name}_size", ">i4"), (name, "<f8", (count,))]


def read(cursor: Any, query: str, parts: Sequence[tuple[Any, ...]]) -> Rows:
    """Return the rows of a query, which are held twice for a moment.

    Parameters
    ----------
    cursor
        Of psycopg2.
    query
        Whose columns have the types of `parts`, and no null.
    parts
        Those of :func:`integers`, :func:`doubles` and :func:`packed`, in order.

    Raises
    ------
    ValueError
        If the server's rows are of another width.
    """
    sink = _Sink()
    cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT binary)", sink)
    content = b"".join(sink.pieces)
    dtype = np.dtype([("columns", ">i2"), *parts])
    count, rest = divmod(len(content) - len(_HEADER) - len(_END), dtype.itemsize)
    if rest or not content.endswith(_END):
        msg = f"{len(content)} bytes of a COPY are no rows of {dtype.itemsize}"
        raise ValueError(msg)
    rows = np.frombuffer(content, dtype, count, offset=len(_HEADER))
    wanted = sum(1 for name in dtype.names or () if name.endswith("_size"))
    if (rows["columns"] != wanted).any():
        msg = "the rows of a COPY have another number of columns, or another width"
        raise ValueError(msg)
    return rows


def write(cursor: Any, table: str, rows: Rows) -> None:
    """Append rows, made with :func:`empty`, to a table; `table` may name its columns."""
    content = io.BytesIO(_HEADER + rows.tobytes() + _END)
    cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT binary)", content)


def empty(count: int, parts: Sequence[tuple[Any, ...]]) -> Rows:
    """Return rows whose sizes are set, for :func:`write`; only integers and packed doubles."""
    dtype = np.dtype([("columns", ">i2"), *parts])
    rows = np.zeros(count, dtype)
    names = [name for name, *_ in parts if not name.endswith("_size")]
    rows["columns"] = len(names)
    for name in names:
        rows[f"{name}_size"] = dtype[name].itemsize
    return rows


class _Sink:
    """Takes what the driver writes, a piece a row: as a method of Python, that would be slow."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.write = self.pieces.append
