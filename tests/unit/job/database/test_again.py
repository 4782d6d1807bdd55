"""Work that is begun again where the database was away for a moment."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from trainer_job import reasons
from trainer_job.database.connection import PATIENCE, Database
from trainer_job.errors import BadConfiguration, JobError, Unavailable
from trainer_job.settings import DatabaseSettings

AWAY = (None, "08006", "40001", "40P01", "55P03", "57P01", "57P03", "53300", "25006")


class Driver(Exception):
    """An error as psycopg2 raises it."""

    def __init__(self, pgcode: str | None) -> None:
        super().__init__("the server's words")
        self.pgcode = pgcode


class Clock:
    """Time that passes while somebody sleeps or works."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def database(clock: Clock, patience: float = PATIENCE) -> Database:
    engine = create_engine("postgresql+psycopg2://")  # never connected to
    return Database(engine, DatabaseSettings(), patience, clock.sleep, clock)


def failing(clock: Clock, times: int, code: str | None, takes: float = 0) -> Callable[[], str]:
    """Return work that is disturbed so many times, and takes a while each time."""
    left = [times]

    def work() -> str:
        clock.now += takes
        left[0] -= 1
        if left[0] >= 0:
            raise OperationalError("SELECT 1", {}, Driver(code))
        return "done"

    return work


@pytest.mark.parametrize("code", AWAY)
def test_what_a_retry_can_help_is_begun_again(code: str | None) -> None:
    clock = Clock()
    assert database(clock).again(failing(clock, 3, code)) == "done"
    assert clock.waits == [0.5, 1, 2]


@pytest.mark.parametrize("code", ["28P01", "42501", "42P01"])
def test_what_people_must_mend_is_not(code: str) -> None:
    clock = Clock()
    with pytest.raises(BadConfiguration):
        database(clock).again(failing(clock, 1, code))
    assert clock.waits == []


def test_a_fault_of_ours_is_not() -> None:
    clock = Clock()
    with pytest.raises(JobError) as caught:
        database(clock).again(failing(clock, 1, "22012"))
    assert caught.value.reason == reasons.INTERNAL_ERROR
    assert clock.waits == []


def test_nor_is_trouble_of_another_service() -> None:
    """A call to MLflow within the work has had its own retries."""
    clock, calls = Clock(), []

    def work() -> None:
        calls.append(1)
        raise Unavailable(reasons.TRACKING_UNAVAILABLE, "MLflow is away.")

    with pytest.raises(Unavailable, match="MLflow is away"):
        database(clock).again(work)
    assert calls == [1]


def test_errors_that_the_work_has_translated_count_too() -> None:
    clock = Clock()
    place = database(clock)
    inner = failing(clock, 2, "57P01")

    def work() -> Any:
        with place.errors():
            return inner()

    assert place.again(work) == "done"


def test_a_lock_that_takes_long_to_be_refused_is_asked_for_twice() -> None:
    clock = Clock()
    assert database(clock).again(failing(clock, 1, "55P03", takes=120)) == "done"
    with pytest.raises(Unavailable, match="pg_stat_activity"):
        database(clock).again(failing(clock, 2, "55P03", takes=120))


@given(takes=st.floats(0, 300), patience=st.floats(0, 100))
def test_it_ends(takes: float, patience: float) -> None:
    """At the latest one piece of work after the patience is over, counted from the first fault."""
    clock = Clock()
    with pytest.raises(Unavailable) as caught:
        database(clock, patience).again(failing(clock, 10_000, "40P01", takes))
    assert caught.value.reason == reasons.DATABASE_UNAVAILABLE
    assert clock.now - 1000 <= takes + patience + takes + 1e-6
