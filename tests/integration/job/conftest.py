"""What several files need for the runs that their tests share."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer
from trainer_job import report
from trainer_job.database.connection import Database, connect
from trainer_job.database.migrate import migrate


@pytest.fixture(scope="module")
def undrawn() -> Iterator[None]:
    """Draw nothing: it takes most of a run's time, and decides nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "write", lambda folder, data: None)
        yield


@pytest.fixture(scope="module")
def shared_database(postgres: PostgresServer) -> Iterator[Database]:
    """A database of all tests in a file."""
    database = connect(postgres.create_database())
    migrate(database)
    yield database
    database.engine.dispose()
