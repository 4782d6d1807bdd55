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
    key = {"key": lock_key("run", uid)}
    with database.errors():
        connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        end = time.monotonic() + patience
        told = False
        while not _try(database, connection, key):
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
        connection.close()


def _try(database: Database, connection: Connection, key: dict[str, int]) -> bool:
    with database.errors():
        return bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar())
