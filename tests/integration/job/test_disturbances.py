"""A real PostgreSQL that gives up what it was asked, or ends a session: the work is done again."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from tests.support.postgres import PostgresServer
from tests.support.processes import wait_for
from trainer_job import reasons
from trainer_job.contract import Decision, Outcome, Result, RunIdentity
from trainer_job.database import records
from trainer_job.database.connection import Database
from trainer_job.database.locks import run_lock
from trainer_job.errors import Unavailable

RUN = RunIdentity(name="nightly", namespace="plant", uid="7d9c")


def hurried(database: Database, patience: float = 60) -> Database:
    return replace(database, patience=patience, sleep=lambda _: None)


def end_session(postgres: PostgresServer, pid: int) -> None:
    """End a session as an administrator does, and wait until it is gone."""
    postgres.execute(f"SELECT pg_terminate_backend({pid}, 10000)")


def pid_of(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_a_session_that_was_ended_is_replaced_and_nothing_happens_twice(
    postgres: PostgresServer, database: Database
) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> int:
        tries.append(pid_of(connection))
        connection.execute(text("INSERT INTO machines (machine_id) VALUES ('m')"))
        if len(tries) == 1:
            end_session(postgres, tries[0])
        return int(connection.execute(text("SELECT count(*) FROM machines")).scalar_one())

    assert hurried(database).transaction(work) == 1
    assert len(set(tries)) == 2


def test_a_statement_that_takes_longer_than_the_server_allows_is_told(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("SET LOCAL statement_timeout = '20ms'"))
        connection.execute(text("SELECT pg_sleep(60)"))

    with pytest.raises(Unavailable, match="ALTER ROLE sensor_user SET statement_timeout") as caught:
        hurried(database, patience=0).transaction(work)
    assert caught.value.reason == reasons.DATABASE_UNAVAILABLE


def test_of_two_that_lock_each_other_out_both_get_through(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO machines (machine_id) VALUES ('a'), ('b')"))
    both = threading.Barrier(2)
    tries: list[str] = []

    def cross(order: str) -> None:
        def work(connection: Connection) -> None:
            tries.append(order)
            for place, machine in enumerate(order):
                if place and tries.count(order) == 1:
                    both.wait(timeout=60)
                connection.execute(
                    text("UPDATE machines SET last_seen = now() WHERE machine_id = :id"),
                    {"id": machine},
                )

        hurried(database).transaction(work)

    threads = [threading.Thread(target=cross, args=(order,)) for order in ("ab", "ba")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(tries) == 3  # one of the two was chosen to give way, and came again
    with database.engine.connect() as connection:
        seen = connection.execute(text("SELECT count(last_seen) FROM machines")).scalar()
    assert seen == 2


def test_a_lock_that_comes_free_in_time_is_had(database: Database) -> None:
    holder = database.engine.connect()
    holder.execute(text("LOCK TABLE trainer.training_runs"))
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        holder.close()

    def work(connection: Connection) -> None:
        connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
        connection.execute(text("SELECT * FROM trainer.training_runs"))

    replace(database, sleep=sleep).transaction(work)
    assert waits == [0.5]


def test_one_that_does_not_ends_the_attempt(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
        connection.execute(text("SELECT * FROM trainer.training_runs"))

    with database.engine.begin() as holder:
        holder.execute(text("LOCK TABLE trainer.training_runs"))
        with pytest.raises(Unavailable, match="pg_stat_activity") as caught:
            hurried(database, patience=0).transaction(work)
    assert caught.value.reason == reasons.DATABASE_UNAVAILABLE


def test_an_attempt_that_waits_for_the_lock_outlives_its_session(
    postgres: PostgresServer, database: Database
) -> None:
    waiting, got = threading.Event(), threading.Event()

    def second() -> None:
        with run_lock(hurried(database), "one", waiting=waiting.set):
            got.set()

    sessions = """
        SELECT pid FROM pg_stat_activity
        WHERE query LIKE 'SELECT pg_try_advisory_lock%' AND pid <> :holder
    """
    with run_lock(database, "one"):
        with database.engine.connect() as connection:
            held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
            holder = connection.execute(text(held)).scalar_one()
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(60)
        with database.engine.connect() as connection:
            own = connection.execute(text(sessions), {"holder": holder}).scalar_one()
        end_session(postgres, own)
    wait_for(got.is_set, "the lock")
    thread.join(60)


def test_what_is_recorded_first_is_the_result(database: Database) -> None:
    """An attempt that lost its lock may come second; it returns what the first one decided."""
    first, second = (
        Result(
            run=RUN.uid, decision=Decision(outcome=outcome, reason="R", message="As it was found.")
        )
        for outcome in (Outcome.PROMOTED, Outcome.REJECTED)
    )
    records.save(database, RUN, episodes=[1])
    assert records.save_result(database, RUN, first) == first
    assert records.save_result(database, RUN, second) == first
    record = records.find(database, RUN.uid)
    assert record == records.RunRecord(first, (1,), None)
