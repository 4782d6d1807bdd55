"""Connections, and PostgreSQL's errors as ours."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from trainer_job import reasons
from trainer_job.database.tables import LEGACY, OURS
from trainer_job.errors import BadConfiguration, JobError, Unavailable
from trainer_job.settings import DatabaseSettings

CONNECT_TIMEOUT = 5
"""Seconds that one try may take."""

_OPTIONS = (
    # Naive timestamps of an existing installation are read as UTC.
    "-c timezone=UTC "
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

_REFUSED = (
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "authentication failed",
    "is not permitted to log in",
)
_NO_DATABASE = re.compile(r'database "[^"]*" does not exist')
_NO_ROLE = re.compile(r'role "[^"]*" does not exist')


@dataclass(frozen=True)
class Database:
    """An engine with the settings that it was made from."""

    engine: Engine
    settings: DatabaseSettings

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn PostgreSQL's errors into ours."""
        try:
            yield
        except DBAPIError as error:
            raise translate(error, self.settings) from error


def connect(
    settings: DatabaseSettings,
    patience: float = 25.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Database:
    """Return a database that answers.

    Parameters
    ----------
    settings
        Where it is.
    patience
        Seconds for which an unreachable server is tried again.
    sleep, clock
        Seams for tests.

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
    end = clock() + patience
    wait = 0.5
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            return Database(engine, settings)
        except DBAPIError as error:
            fault = translate(error, settings)
            if isinstance(fault, BadConfiguration) or clock() + wait > end:
                raise fault from error
        sleep(wait)
        wait = min(wait * 2, 5.0)


def require_tables(database: Database) -> None:
    """Check that the tables exist.

    Raises
    ------
    BadConfiguration
        If one is missing; migrating is never a training run's business.
    """
    names = [str(table) for table in (*LEGACY, *OURS)]
    with database.errors(), database.engine.connect() as connection:
        missing = [
            name
            for name in names
            if connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar()
            is None
        ]
    if missing:
        raise BadConfiguration(
            reasons.NOT_MIGRATED,
            f"Database {database.settings} lacks the tables {', '.join(missing)}. "
            "Run trainer-job migrate.",
        )


def translate(error: DBAPIError, settings: DatabaseSettings) -> JobError:
    """Return what a PostgreSQL error means for the run; never with the password."""
    code = getattr(error.orig, "pgcode", None)
    said = str(error.orig).strip().splitlines()
    first = said[0] if said else type(error.orig).__name__
    where = f"Database {settings}"
    if refusal := _refusal(code, first, " ".join(said).lower(), settings):
        return refusal
    if code == "55P03":
        return Unavailable(
            reasons.DATABASE_UNAVAILABLE,
            f"{where}: another process held a lock for too long: {first}. The next attempt tries "
            "again; pg_stat_activity shows who holds it.",
        )
    if code is None or code[:2] in {"08", "53", "57", "55"}:
        return Unavailable(
            reasons.DATABASE_UNAVAILABLE,
            f"{where} is unavailable: {first}. Check POSTGRES_HOST and POSTGRES_PORT, and that "
            "the server runs and can be reached from here.",
        )
    return JobError(reasons.INTERNAL_ERROR, f"{where} answered {code}: {first}.")


def _refusal(
    code: str | None, first: str, lowered: str, settings: DatabaseSettings
) -> BadConfiguration | None:
    """Return what no retry mends; while connecting the driver gives no code, only words."""
    where = f"Database {settings}"
    refused = any(words in lowered for words in _REFUSED) or _NO_ROLE.search(lowered)
    if code in {"28P01", "28000"} or (code is None and refused):
        return BadConfiguration(
            reasons.BAD_CREDENTIALS,
            f"{where} refused user {settings.user} or its password. Check POSTGRES_USER and "
            "POSTGRES_PASSWORD in the database Secret.",
        )
    if code == "3D000" or (code is None and _NO_DATABASE.search(lowered)):
        return BadConfiguration(
            reasons.DATABASE_MISSING,
            f"The server at {settings.host}:{settings.port} has no database {settings.name}. "
            "Create it, or correct POSTGRES_DB.",
        )
    if "unsupported startup parameter" in lowered:
        return BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            f"{where} is behind a connection pooler that takes no settings of a session: {first}. "
            "Point POSTGRES_HOST and POSTGRES_PORT at PostgreSQL itself: the locks that keep a run "
            "from being trained twice need a session of their own.",
        )
    if code == "42501":
        return BadConfiguration(
            reasons.MISSING_GRANT,
            f"{where}: user {settings.user} lacks a right: {first}. Grant it.",
        )
    if code in {"42P01", "42703", "3F000"}:
        return BadConfiguration(
            reasons.NOT_MIGRATED,
            f"{where}: {first}. Run trainer-job migrate, and check that the installation's "
            "tables are the documented ones.",
        )
    return None
