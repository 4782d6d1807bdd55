"""Several connections that see one state, on a real database."""

import threading

import pytest
from sqlalchemy import Connection, text

from tests.support.plant import Plant
from trainer_job.database import computing
from trainer_job.database.connection import Database
from trainer_job.database.snapshot import MOST, Snapshot
from trainer_job.database.source import PostgresEpisodes

from .test_episodes import WINDOW


@pytest.fixture
def plant(database: Database) -> Plant:
    return Plant(database)


def nothing(connection: Connection) -> None:
    """Look at nothing before."""


def sessions(database: Database) -> int:
    with database.engine.connect() as connection:
        statement = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(connection.execute(statement).scalar_one())


def test_all_connections_see_what_the_first_one_saw(database: Database, plant: Plant) -> None:
    plant.episode([{"a": 1}])
    both = threading.Barrier(2, timeout=10)

    def count(connection: Connection, _: int) -> tuple[int, int]:
        both.wait()  # so that there are two
        row = connection.execute(text("SELECT count(*), pg_backend_pid() FROM readings")).one()
        return int(row[0]), int(row[1])

    with Snapshot(database.engine, nothing) as snapshot:
        snapshot.connection.execute(text("SELECT 1"))
        plant.episode([{"a": 2}])
        found = list(snapshot.each([0, 1], count))
    assert [readings for readings, _ in found] == [1, 1]
    assert len({process for _, process in found}) == 2


def test_results_come_in_the_order_of_the_parts(database: Database) -> None:
    later = threading.Event()

    def work(connection: Connection, part: int) -> int:
        if part == 0:
            assert later.wait(10)
        later.set()
        return part

    with Snapshot(database.engine, nothing) as snapshot:
        assert list(snapshot.each(list(range(10)), work)) == list(range(10))


def test_it_takes_no_more_connections_than_a_parallel_query(database: Database) -> None:
    def process(connection: Connection, _: int) -> int:
        statement = text("SELECT pg_backend_pid() FROM pg_sleep(0.05)")
        return int(connection.execute(statement).scalar_one())

    before = sessions(database)
    with Snapshot(database.engine, nothing) as snapshot:
        processes = set(snapshot.each(list(range(10)), process))
        assert 1 < len(processes) <= snapshot.size <= MOST
    assert sessions(database) <= before


@pytest.mark.parametrize("room", [0, 1])
def test_a_server_without_room_for_more_is_read_by_fewer(
    database: Database, plant: Plant, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    episodes = [plant.episode([{"a": value}]) for value in range(6)]
    monkeypatch.setattr(computing, "ENOUGH", 1)
    original = Snapshot._open
    opened: list[str] = []

    def refused(self: Snapshot[object], snapshot: str) -> Connection:
        if len(opened) >= room:
            connection = database.engine.connect()
            # What a server says that has no more of them: an OperationalError of class 53.
            connection.execute(text("DO $$ BEGIN RAISE SQLSTATE '53300'; END $$"))
        opened.append(snapshot)
        return original(self, snapshot)

    monkeypatch.setattr(Snapshot, "_open", refused)
    with PostgresEpisodes(database) as source:
        ids = source.manifest(*WINDOW, []).ids
        assert ids.tolist() == episodes
        assert source.moments(ids)["mean"][:, 0].tolist() == list(range(6))
    assert len(opened) <= room


def test_an_error_in_one_part_is_the_callers_and_leaves_no_connection(database: Database) -> None:
    def work(connection: Connection, part: int) -> int:
        if part == 3:
            raise ZeroDivisionError
        return part

    before = sessions(database)
    with Snapshot(database.engine, nothing) as snapshot:
        found = snapshot.each(list(range(8)), work)
        assert [next(found) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ZeroDivisionError):
            next(found)
    assert sessions(database) <= before
