"""Everything that a process writes to MLflow and PostgreSQL, and trouble at any one of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
import requests

from tests.support.interrupted import Killed
from trainer_job.database.connection import Database

Trouble = Callable[[Callable[[], Any], Callable[[], None], Exception], Any]
"""What happens at a write, given it, what breaks its connection, and the error that follows."""


@dataclass
class Writes:
    """The writes of a process in their order; at one of them there is trouble.

    Attributes
    ----------
    at
        Number of that write; None where all goes well.
    trouble
        :func:`kill_before`, :func:`kill_after` or :func:`lose_reply`.
    names
        What was written: method and end of the path, or statement and table.
    """

    at: int | None = None
    trouble: Trouble | None = None
    names: list[str] = field(default_factory=list)

    def make(
        self, name: str, write: Callable[[], Any], cut: Callable[[], None], lost: Exception
    ) -> Any:
        """Do one write, with the trouble if its turn has come."""
        self.names.append(name)
        if self.trouble is None or len(self.names) - 1 != self.at:
            return write()
        return self.trouble(write, cut, lost)


def kill_before(write: Callable[[], Any], cut: Callable[[], None], lost: Exception) -> Any:
    """End the process right before a write; the kernel closes its connections."""
    cut()
    raise Killed


def kill_after(write: Callable[[], Any], cut: Callable[[], None], lost: Exception) -> Any:
    """End the process right after a write."""
    write()
    cut()
    raise Killed


def lose_reply(write: Callable[[], Any], cut: Callable[[], None], lost: Exception) -> Any:
    """Let the write happen and the connection break before its reply."""
    write()
    cut()
    raise lost


@contextmanager
def watched(database: Database, writes: Writes) -> Iterator[None]:
    """Let all writes of this process pass by `writes`: over HTTP, and of one database."""
    with pytest.MonkeyPatch.context() as patch:
        _watch_http(patch, writes)
        _watch_database(patch, database, writes)
        yield


def _watch_http(patch: pytest.MonkeyPatch, writes: Writes) -> None:
    real = requests.Session.request

    def request(session: requests.Session, method: str, url: str, **keywords: Any) -> Any:
        path = urlsplit(url).path
        if method == "GET" or path.endswith("/search"):
            return real(session, method, url, **keywords)
        end = "/".join(path.split("/")[-2:])
        name = "PUT artifact" if "/mlflow-artifacts/" in path else f"{method} {end}"
        lost = requests.ConnectionError("the reply was lost")
        return writes.make(name, lambda: real(session, method, url, **keywords), lambda: None, lost)

    patch.setattr(requests.Session, "request", request)


def _watch_database(patch: pytest.MonkeyPatch, database: Database, writes: Writes) -> None:
    dialect = database.engine.dialect
    execute, commit = dialect.do_execute, dialect.do_commit
    written: set[int] = set()

    def do_execute(cursor: Any, statement: str, parameters: Any, context: Any = None) -> Any:
        words = statement.split()
        if words[0] not in {"INSERT", "UPDATE", "DELETE"}:
            return execute(cursor, statement, parameters, context)
        written.add(id(cursor.connection))
        table = words[1 if words[0] == "UPDATE" else 2]
        return writes.make(
            f"{words[0]} {table}",
            lambda: execute(cursor, statement, parameters, context),
            cursor.connection.close,
            _lost(),
        )

    def do_commit(connection: Any) -> None:
        own = connection.dbapi_connection
        if id(own) not in written:
            commit(connection)
            return
        written.discard(id(own))
        writes.make("COMMIT", lambda: commit(connection), own.close, _lost())

    patch.setattr(dialect, "do_execute", do_execute)
    patch.setattr(dialect, "do_commit", do_commit)


def _lost() -> Exception:
    return psycopg2.OperationalError("server closed the connection unexpectedly")
