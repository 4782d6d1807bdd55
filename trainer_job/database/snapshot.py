"""One state of the database, which several connections read at the same time."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from queue import SimpleQueue
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

T = TypeVar("T")
R = TypeVar("R")

MOST = 4
"""Connections at most, whatever the server allows."""

_WORKERS = "SELECT reset_val FROM pg_settings WHERE name = 'max_parallel_workers_per_gather'"

_SESSION = (
    # Compiling hundreds of aggregates takes seconds and saves none.
    "SET LOCAL jit = off",
    "SET LOCAL work_mem = '64MB'",
    # The snapshot waits while the model is fitted.
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    # Many statements at a time keep the server as busy as one that is split, whose parts have to
    # be put together again.
    "SET LOCAL max_parallel_workers_per_gather = 0",
)


class Snapshot:
    """What was committed when the context was entered.

    Attributes
    ----------
    connection
        For statements that come one after the other.

    Parameters
    ----------
    engine
        Opens the connections.
    """

    connection: Connection

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> Self:
        self.connection = self._open()
        self._connections = [self.connection]
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
        self._open_more(len(parts))
        if len(self._connections) == 1:
            yield from (work(self.connection, part) for part in parts)
            return
        free: SimpleQueue[Connection] = SimpleQueue()
        for connection in self._connections:
            free.put(connection)

        def do(part: T) -> R:
            connection = free.get()
            try:
                return work(connection, part)
            finally:
                free.put(connection)

        with ThreadPoolExecutor(len(self._connections), "snapshot") as pool:
            yield from pool.map(do, parts)

    def _open_more(self, parts: int) -> None:
        """Open connections that see the same, as far as there is work and the server has room."""
        wanted = min(self.size, parts)
        if len(self._connections) >= wanted:
            return
        exported = self.connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        while len(self._connections) < wanted:
            try:
                self._connections.append(self._open(str(exported)))
            except OperationalError as error:
                # One is enough; if the server is gone, the next statement says so.
                logging.getLogger(__name__).debug("no further connection: %s", error)
                self.size = len(self._connections)
                return

    def _open(self, snapshot: str | None = None) -> Connection:
        connection = self._engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        try:
            if snapshot is not None:
                connection.execute(text(f"SET TRANSACTION SNAPSHOT '{snapshot}'"))
            for statement in _SESSION:
                connection.execute(text(statement))
        except BaseException:
            connection.close()
            raise
        return connection
