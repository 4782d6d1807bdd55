"""One state of the database, which several connections read at the same time."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Generic, Self, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

T = TypeVar("T")
R = TypeVar("R")
B = TypeVar("B")

MOST = 4
"""Connections at most, whatever the server allows."""

_WORKERS = "SELECT reset_val FROM pg_settings WHERE name = 'max_parallel_workers_per_gather'"

_SESSION = """
    -- Compiling hundreds of aggregates takes seconds and saves none.
    SET LOCAL jit = off;
    SET LOCAL work_mem = '64MB';
    -- The snapshot waits while the model is fitted.
    SET LOCAL idle_in_transaction_session_timeout = 0;
    -- Many statements at a time keep the server as busy as one that is split, whose parts have to
    -- be put together again.
    SET LOCAL max_parallel_workers_per_gather = 0
"""


class Snapshot(Generic[B]):
    """What was committed when the context was entered.

    Attributes
    ----------
    connection
        For statements that come one after the other.

    before
        What was seen before.

    Parameters
    ----------
    engine
        Opens the connections.
    before
        Looks at what was there some moments before.
    """

    connection: Connection
    before: B

    def __init__(self, engine: Engine, before: Callable[[Connection], B]) -> None:
        self._engine = engine
        self._before = before
        self._full = False

    def __enter__(self) -> Self:
        connection = self._engine.connect()
        self._connections = [connection]
        try:
            self.before = self._before(connection)
            connection.rollback()
            self.connection = self._see(connection)
        except BaseException:
            connection.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for connection in self._connections:
            connection.close()

    @cached_property
    def size(self) -> int:
        """Connections at most: as many processes as the server gives to one of its own queries."""
        workers = self.connection.execute(text(_WORKERS)).scalar_one()
        return min(MOST, 1 + int(workers))

    def each(self, parts: Sequence[T], work: Callable[[Connection, T], R]) -> Iterator[R]:
        """Yield what `work` returns for each part, in order; some are done at the same time.

        Parameters
        ----------
        parts
            What there is to do.
        work
            Is given a connection that nobody else uses meanwhile.
        """
        workers = min(self.size, len(parts))
        if workers < 2:
            yield from (work(self.connection, part) for part in parts)
            return
        exported = str(self.connection.execute(text("SELECT pg_export_snapshot()")).scalar_one())
        free: SimpleQueue[Connection] = SimpleQueue()
        for connection in self._connections:
            free.put(connection)

        def do(part: T) -> R:
            connection = self._take(free, exported)
            try:
                return work(connection, part)
            finally:
                free.put(connection)

        with ThreadPoolExecutor(workers, "snapshot") as pool:
            yield from pool.map(do, parts)

    def shrink(self) -> None:
        """Close all connections but one: a role may have few of them, and others need some."""
        while len(self._connections) > 1:
            self._connections.pop().close()

    def _take(self, free: "SimpleQueue[Connection]", exported: str) -> Connection:
        """Return a free connection; a new one, which sees the same, where the server has room."""
        try:
            return free.get(block=self._full)
        except Empty:
            pass
        try:
            connection = self._open(exported)
        except OperationalError as error:
            # One is enough; if the server is gone, the next statement says so.
            logging.getLogger(__name__).debug("no further connection: %s", error)
            self._full = True
            return free.get()
        self._connections.append(connection)
        return connection

    def _open(self, exported: str) -> Connection:
        connection = self._engine.connect()
        try:
            return self._see(connection, exported)
        except BaseException:
            connection.close()
            raise

    def _see(self, connection: Connection, exported: str | None = None) -> Connection:
        """Begin the transaction that sees one state: that of `exported`, or what is there now."""
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        if exported is not None:
            connection.execute(text(f"SET TRANSACTION SNAPSHOT '{exported}'"))
        connection.execute(text(_SESSION))
        return connection
