"""Connections, and work that is repeated where the database was away for a moment."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from trainer_job import reasons
from trainer_job.database.faults import Disturbed, translate
from trainer_job.database.tables import LEGACY, OURS
from trainer_job.errors import BadConfiguration
from trainer_job.settings import DatabaseSettings

CONNECT_TIMEOUT = 5
"""Seconds that one try may take."""

PATIENCE = 25.0
"""Seconds after a first disturbance in which work is begun again; what was begun may end later."""

T = TypeVar("T")

_OPTIONS = (
    # Naive timestamps of an existing installation are read as UTC.
    "-c timezone=UTC "
    # Texts in statements are quoted for this.
    "-c standard_conforming_strings=on "
    # A lock must not outlive a node that vanished: two minutes, not the system's two hours.
    "-c tcp_keepalives_idle=60 -c tcp_keepalives_interval=15 -c tcp_keepalives_count=4 "
    "-c lock_timeout=120s"
)

_KEEPALIVES = {
    # The same for this side: a server that vanished is found out within a minute.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


@dataclass(frozen=True)
class Database:
    """An engine with the settings that it was made from.

    Attributes
    ----------
    engine, settings
        What connects, and where to.
    patience, sleep, clock
        Bound of the retries, and seams for tests.
    """

    engine: Engine
    settings: DatabaseSettings
    patience: float = PATIENCE
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn PostgreSQL's errors into ours."""
        try:
            yield
        except DBAPIError as error:
            raise translate(error, self.settings) from error

    def again(self, work: Callable[[], T]) -> T:
        """Do work that may be repeated from its start, until it is not disturbed.

        Time counts from the first disturbance: a deadlock is found after a second, a lock that
        is not given back after minutes, and either may be gone with the next try.

        Parameters
        ----------
        work
            Opens its own connection, and finds out what a try before it has committed: the reply
            to a commit may be lost.

        Raises
        ------
        Unavailable
            If it is still disturbed when the patience is over.
        """
        end, wait = None, 0.5
        while True:
            try:
                with self.errors():
                    return work()
            except Disturbed:
                now = self.clock()
                end = now + self.patience if end is None else end
                if now + wait > end:
                    raise
            self.sleep(wait)
            wait = min(wait * 2, 5.0)

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Do work in a transaction and commit; repeated as by :meth:`again`."""

        def once() -> T:
            with self.engine.begin() as connection:
                return work(connection)

        return self.again(once)


def connect(
    settings: DatabaseSettings,
    patience: float = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Database:
    """Return a database that answers.

    Parameters
    ----------
    settings
        Where it is.
    patience, sleep, clock
        How long an unreachable server is tried again, now and later; seams for tests.

    Raises
    ------
    BadConfiguration
        If the server refuses the user, the password or the database's name: at once.
    Unavailable
        If it cannot be reached in time.
    """
    engine = create_engine(
        settings.url(),
        poolclass=NullPool,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT,
            "options": _OPTIONS,
            "application_name": "trainer-job",
            **_KEEPALIVES,
        },
    )
    database = Database(engine, settings, patience, sleep, clock)
    database.transaction(lambda connection: connection.execute(text("SELECT 1")))
    return database


def require_tables(database: Database) -> None:
    """Check that the tables exist.

    Raises
    ------
    BadConfiguration
        If one is missing; migrating is never a training run's business.
    """
    if missing := database.transaction(_missing_tables):
        raise BadConfiguration(
            reasons.NOT_MIGRATED,
            f"Database {database.settings} lacks the tables {', '.join(missing)}. "
            "Run trainer-job migrate.",
        )


def _missing_tables(connection: Connection) -> list[str]:
    names = [str(table) for table in (*LEGACY, *OURS)]
    statement = text("SELECT to_regclass(:name)")
    return [
        name for name in names if connection.execute(statement, {"name": name}).scalar() is None
    ]
