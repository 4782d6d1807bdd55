"""Connections, tables, locks and records on a real PostgreSQL."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from tests.support.postgres import PostgresServer
from tests.support.processes import free_port
from trainer_job import reasons
from trainer_job.contract import Decision, ModelSummary, Outcome, Result, RunIdentity
from trainer_job.database import records
from trainer_job.database.connection import Database, connect, require_tables
from trainer_job.database.locks import lock_transaction, run_lock
from trainer_job.database.migrate import migrate
from trainer_job.errors import BadConfiguration, JobError, Unavailable

RUN = RunIdentity(name="nightly", namespace="plant", uid="7d9c")


def connection_fault(postgres: PostgresServer, **changes: Any) -> JobError:
    settings = replace(postgres.settings, **changes)
    with pytest.raises(JobError) as caught:
        connect(settings, patience=0)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "wrong"}, reasons.BAD_CREDENTIALS),
        ({"user": "nobody"}, reasons.BAD_CREDENTIALS),
        ({"name": "nowhere"}, reasons.DATABASE_MISSING),
    ],
)
def test_a_server_that_refuses_is_bad_configuration(
    postgres: PostgresServer, changes: dict[str, Any], reason: str
) -> None:
    fault = connection_fault(postgres, **changes)
    assert isinstance(fault, BadConfiguration)
    assert fault.reason == reason


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_server_that_is_not_there_is_unavailable(postgres: PostgresServer, host: str) -> None:
    fault = connection_fault(postgres, host=host, port=free_port())
    assert isinstance(fault, Unavailable)
    assert host in fault.message


def test_an_unreachable_server_is_tried_again_for_a_bounded_time(postgres: PostgresServer) -> None:
    now = 0.0
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        waits.append(seconds)

    settings = replace(postgres.settings, port=free_port())
    with pytest.raises(Unavailable):
        connect(settings, patience=20, sleep=sleep, clock=lambda: now)
    assert waits == [0.5, 1, 2, 4, 5, 5]


def test_missing_tables_are_named(postgres: PostgresServer) -> None:
    database = connect(postgres.create_database())
    with pytest.raises(BadConfiguration, match=r"failures.*trainer\.loads.*trainer-job migrate"):
        require_tables(database)
    migrate(database)
    require_tables(database)


def test_migrating_again_changes_nothing(postgres: PostgresServer) -> None:
    database = connect(postgres.create_database())
    assert migrate(database) == (None, "0003")
    assert migrate(database) == ("0003", "0003")


def test_an_earlier_layout_is_brought_to_the_newest_and_keeps_its_records(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = connect(postgres.create_database())
    with monkeypatch.context() as patch:
        patch.setattr(ScriptDirectory, "get_current_head", lambda self: "0001")
        patch.setattr(command, "upgrade", upgrade_to("0001", command.upgrade))
        assert migrate(database) == (None, "0001")
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO trainer.training_runs (run_uid) VALUES ('u')"))
    with pytest.raises(BadConfiguration, match="Run trainer-job migrate"):
        require_tables(database)
    assert migrate(database) == ("0001", "0003")
    require_tables(database)
    record = records.find(database, "u")
    assert record is not None
    assert record.labels is None


def upgrade_to(revision: str, upgrade: Callable[[Config, str], None]) -> Callable[..., None]:
    """Return an upgrade that stops at a revision."""
    return lambda config, _: upgrade(config, revision)


def test_tables_of_an_installation_are_left_as_they_are(postgres: PostgresServer) -> None:
    database = connect(postgres.create_database())
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE machines (machine_id varchar PRIMARY KEY, own int)"))
        connection.execute(text("INSERT INTO machines VALUES ('m', 7)"))
    migrate(database)
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM machines")).all() == [("m", 7)]


def test_a_missing_right_is_told(postgres: PostgresServer, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE failures OWNER TO sensor_user"))
        connection.execute(text("REVOKE ALL ON failures FROM sensor_user"))
    with (
        pytest.raises(BadConfiguration, match=r"lacks a right.*failures") as caught,
        database.errors(),
        database.engine.connect() as connection,
    ):
        connection.execute(text("SELECT * FROM failures"))
    assert caught.value.reason == reasons.MISSING_GRANT


def test_one_attempt_at_a_time(database: Database) -> None:
    told: list[str] = []
    with (
        run_lock(database, "one"),
        pytest.raises(Unavailable, match="Another attempt of run one") as caught,
        run_lock(database, "one", patience=0, waiting=lambda: told.append("waiting")),
    ):
        pytest.fail("two hold the lock")
    assert caught.value.reason == reasons.ATTEMPT_RUNNING
    assert told == ["waiting"]
    with run_lock(database, "one", patience=0):
        pass


def test_runs_do_not_wait_for_each_other(database: Database) -> None:
    with run_lock(database, "one"), run_lock(database, "two", patience=0):
        pass


def test_a_waiting_attempt_goes_on_when_the_other_is_gone(database: Database) -> None:
    waiting, got = threading.Event(), threading.Event()

    def second() -> None:
        with run_lock(database, "one", waiting=waiting.set):
            got.set()

    with run_lock(database, "one"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(30)
        assert not got.is_set()
    thread.join(30)
    assert got.is_set()


def test_a_lock_ends_with_its_transaction(database: Database) -> None:
    for _ in range(2):
        with database.engine.begin() as connection:
            lock_transaction(connection, "promotion", "x")
            held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            with database.engine.connect() as other:
                assert other.execute(text(held)).scalar() == 1


def test_a_record_grows_with_its_attempts(database: Database) -> None:
    assert records.find(database, RUN.uid) is None
    records.save(database, RUN, episodes=[3, 4], feature_hash="abc")
    record = records.find(database, RUN.uid)
    assert record == records.RunRecord(None, (3, 4), "abc")
    records.save(database, RUN, compared=[], compared_labels=[None, "worn"], champion="7", salt="s")
    record = records.find(database, RUN.uid)
    expected = records.RunRecord(
        *(None, (3, 4), "abc"),
        compared=(),
        compared_labels=(None, "worn"),
        champion="7",
        salt="s",
    )
    assert record == expected
    model = ModelSummary(name="m", version="7", run_id="r", uri="models:/m/7", clusters=3)
    decision = Decision(outcome=Outcome.STAGED, reason="R", message="é")
    result = Result(run=RUN.uid, model=model, decision=decision)
    records.save_result(database, RUN, result)
    records.save_decision(database, RUN.uid, "Promoted")
    record = records.find(database, RUN.uid)
    assert record == replace(expected, result=result)
    with database.engine.connect() as connection:
        row = connection.execute(
            text(
                "SELECT name, namespace, mlflow_run_id, model_version, decision "
                "FROM trainer.training_runs"
            )
        ).one()
    assert tuple(row) == ("nightly", "plant", "r", "7", "Promoted")
