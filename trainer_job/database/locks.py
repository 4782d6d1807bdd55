"""Advisory locks: what only one process at a time may do."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from trainer_job import reasons
from trainer_job.database.connection import Database
from trainer_job.errors import Unavailable

POLL = 1.0
"""Seconds between two tries for the lock of a run."""


def lock_key(*parts: str) -> int:
    """Return the 64-bit key of a lock, the same in every process."""
    digest = hashlib.sha256("\x00".join(("trainer", *parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def lock_transaction(connection: Connection, *parts: str) -> None:
    """Wait for a lock that ends with the connection's transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(*parts)})


@contextmanager
def run_lock(
    database: Database,
    uid: str,
    patience: float = 600.0,
    waiting: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Hold the session lock of a run: its attempts work one after the other.

    The connection stays open but idle, outside of a transaction, so that it hinders no vacuum;
    it must be a direct one or a session pool's.

    Parameters
    ----------
    database, uid
        Where, and the run's uid.
    patience
        Seconds to wait for another attempt.
    waiting
        Called once when another attempt holds the lock.

    Raises
    ------
    Unavailable
        If the other attempt does not end in time.
    """
    session = _Session(database, lock_key("run", uid))
    try:
        end = time.monotonic() + patience
        told = False
        while not session.lock():
            if not told:
                waiting()
                told = True
            if time.monotonic() > end:
                raise Unavailable(
                    reasons.ATTEMPT_RUNNING,
                    f"Another attempt of run {uid} has been at work for {patience:.0f} s. This "
                    "attempt ends; the other one, or the next, decides.",
                )
            time.sleep(POLL)
        yield
    finally:
        # Closing the session gives the lock back, also where an unlock could not be sent.
        session.close()


class _Session:
    """The connection that holds a lock; a new one where it was lost before the lock was had."""

    def __init__(self, database: Database, key: int) -> None:
        self._database = database
        self._key = key
        self._connection: Connection | None = None

    def lock(self) -> bool:
        """Say whether the lock is had; one that is held elsewhere is not waited for."""
        return self._database.again(self._try)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _try(self) -> bool:
        if self._connection is None or self._connection.invalidated:
            self.close()
            connection = self._database.engine.connect()
            self._connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        statement = text("SELECT pg_try_advisory_lock(:key)")
        return bool(self._connection.execute(statement, {"key": self._key}).scalar())
