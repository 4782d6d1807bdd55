"""Moments that are kept between runs, on a real database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from tests.integration.job.test_episodes import ALL, WINDOW, assert_same
from tests.support.plant import START, Plant
from trainer_job.database import computing, kept
from trainer_job.database.connection import Database
from trainer_job.database.source import PostgresEpisodes
from trainer_job.moments import LEVEL, ORDER, from_readings


@pytest.fixture
def plant(database: Database) -> Plant:
    return Plant(database)


def read(database: Database, *, rebuild: bool = False, needs: tuple[str, ...] = LEVEL) -> list[int]:
    """Read the window; return the episodes that were computed and not taken from what is kept."""
    computed: list[int] = []
    original = computing.compute

    def compute(snapshot, ids, kinds, reader, known=()):  # type: ignore[no-untyped-def]
        for block in original(snapshot, ids, kinds, reader, known):
            computed.extend(block.facts["failure"].tolist())
            yield block

    with (
        pytest.MonkeyPatch.context() as patch,
        PostgresEpisodes(database, needs, rebuild) as source,
    ):
        patch.setattr(computing, "compute", compute)
        ids = source.manifest(*WINDOW, []).ids
        moments = source.moments(ids)
        readings = source.readings(ids)
        if len(ids):
            expected = from_readings(readings, moments.sensors)
            np.testing.assert_allclose(moments["mean"], expected["mean"], rtol=1e-12)
            assert moments["n"].tolist() == expected["n"].tolist()
    return sorted(set(computed))


def late_reading(plant: Plant, episode: int, number: int | None = None) -> None:
    plant.change(
        """INSERT INTO readings (id, "timestamp", "values", machine, failure)
        VALUES (coalesce(:id, nextval('readings_id_seq')), :at, '{"a": 50}', 'm1', :episode)""",
        id=number,
        at=START,
        episode=episode,
    )


def watermark(plant: Plant) -> int:
    with plant.database.engine.connect() as connection:
        statement = text("SELECT reading FROM trainer.feature_watermark")
        return int(connection.execute(statement).scalar_one())


@contextmanager
def open_insert(database: Database, episode: int) -> Iterator[None]:
    """Hold a transaction open that has inserted a reading, and commit it at the end."""
    with database.engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO readings ("timestamp", "values", machine, failure)
                VALUES (:at, '{"a": 70}', 'm1', :episode)"""),
            {"at": START, "episode": episode},
        )
        yield


def test_what_was_computed_is_not_computed_again(database: Database, plant: Plant) -> None:
    ids = [plant.episode([{"a": n}, {"a": 2 * n}]) for n in range(5)]
    assert read(database) == ids
    assert read(database) == []
    new = plant.episode([{"a": 1, "b": 2}])
    assert read(database) == [new]
    assert read(database) == []


def test_what_is_kept_is_exactly_what_was_computed(database: Database, plant: Plant) -> None:
    ids = [plant.episode([{"a": n / 7, "b": n / 3}, {"a": 0.1}]) for n in range(5)]
    for _ in range(2):
        with PostgresEpisodes(database, ALL) as source:
            moments = source.moments(source.manifest(*WINDOW, []).ids)
            assert_same(moments, from_readings(source.readings(ids), moments.sensors))


def test_another_kind_is_added_to_what_is_kept(database: Database, plant: Plant) -> None:
    ids = [plant.episode([{"a": n}, {"a": 3}]) for n in range(3)]
    read(database)
    assert read(database, needs=ALL) == ids
    assert read(database, needs=ALL) == []
    assert read(database) == []


@pytest.mark.parametrize("number", [None, 1_000_000])
def test_a_late_reading_is_found(database: Database, plant: Plant, number: int | None) -> None:
    ids = [plant.episode([{"a": n}]) for n in range(5)]
    read(database)
    late_reading(plant, ids[2], number)
    assert read(database) == [ids[2]]
    assert read(database) == []


def test_a_late_reading_with_an_old_id_is_found(database: Database, plant: Plant) -> None:
    """An id is given long before the reading is committed: others are seen in between."""
    ids = [plant.episode([{"a": n}]) for n in range(3)]
    with open_insert(database, ids[0]):
        plant.change("SELECT setval('readings_id_seq', 9000)")
        ids.append(plant.episode([{"a": 1}]))
        assert read(database) == ids
        assert watermark(plant) == 0, "a reading below 9000 may still appear"
    assert read(database) == [ids[0]]
    assert watermark(plant) == 9001


def test_a_transaction_that_ended_meanwhile_raises_the_watermark(
    database: Database, plant: Plant
) -> None:
    number = plant.episode([{"a": 1}])
    with open_insert(database, number):
        pass
    read(database)
    assert watermark(plant) == 2


def test_two_jobs_at_once_leave_nothing_wrong(database: Database, plant: Plant) -> None:
    """The first to begin is the last to end: what it keeps is older than what is there."""
    ids = [plant.episode([{"a": n}]) for n in range(3)]
    plant.change("SELECT setval('readings_id_seq', 5000)")
    with PostgresEpisodes(database) as slow:
        slow_manifest = slow.recorded([])  # its snapshot is from now
        late_reading(plant, ids[0])
        read(database)
        assert watermark(plant) == 5001
        slow_manifest = slow.manifest(*WINDOW, [])
        assert slow_manifest.readings.tolist() == [1, 1, 1]
    assert watermark(plant) == 3
    assert read(database) == [ids[0]]


def test_many_jobs_at_once_are_not_disturbed(database: Database, plant: Plant) -> None:
    ids = [plant.episode([{"a": n}, {"b": n}]) for n in range(20)]
    failures: list[BaseException] = []

    def job() -> None:
        try:
            with PostgresEpisodes(database, ALL) as source:
                assert source.moments(source.manifest(*WINDOW, []).ids)["n"].shape == (20, 2)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=job) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    read(database)
    assert read(database) == []
    assert len(ids) == 20


def test_changed_readings_need_a_rebuild(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1}])
    read(database)
    plant.change("""UPDATE readings SET "values" = '{"a": 9}'""")
    with PostgresEpisodes(database) as source:
        assert source.moments([number])["mean"].tolist() == [[1]]
    assert read(database, rebuild=True) == [number]
    assert read(database) == []


def test_a_rebuild_is_not_undone_by_a_job_of_before(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1}])
    with PostgresEpisodes(database) as slow:
        slow.recorded([])  # its snapshot is from now
        plant.change("""UPDATE readings SET "values" = '{"a": 9}'""")
        read(database, rebuild=True)
        assert slow.moments([number])["mean"].tolist() == [[1]]
    with PostgresEpisodes(database) as source:
        assert source.moments([number])["mean"].tolist() == [[9]]


def test_a_rebuild_of_an_empty_window_drops_everything(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1}])
    read(database)
    with PostgresEpisodes(database, rebuild=True) as source:
        source.recorded([])
    assert read(database) == [number]


def test_without_a_watermark_nothing_that_is_kept_counts(database: Database, plant: Plant) -> None:
    ids = [plant.episode([{"a": n}]) for n in range(3)]
    read(database)
    plant.change("TRUNCATE trainer.feature_watermark")
    late_reading(plant, ids[0])
    with PostgresEpisodes(database) as source:
        assert source.recorded(ids[1:]).readings.tolist() == [1, 1]
    assert read(database) == [ids[0]]


def test_ids_that_are_given_again_mean_other_readings(database: Database, plant: Plant) -> None:
    for value in (1, 2, 3):
        plant.episode([{"a": value}, {"a": value}])
    read(database)
    plant.change("TRUNCATE failures, readings RESTART IDENTITY CASCADE")
    number = plant.episode([{"a": 100}, {"a": 100}])
    assert read(database) == [number]
    assert read(database) == []


def test_a_rebuild_keeps_what_it_computes_for_both_windows(
    database: Database, plant: Plant
) -> None:
    early, late = plant.episode([{"a": 1}]), plant.episode([{"a": 2}], start=WINDOW[1])
    read(database)
    with PostgresEpisodes(database, rebuild=True) as source:
        assert source.manifest(*WINDOW, []).ids.tolist() == [early]
        assert source.recorded([late]).ids.tolist() == [late]
    with PostgresEpisodes(database) as source, pytest.MonkeyPatch.context() as patch:
        patch.setattr(computing, "_sampled", None)  # nothing is computed
        assert source.recorded([early, late]).ids.tolist() == [early, late]


def test_what_another_release_kept_is_not_used(
    database: Database, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = plant.episode([{"a": 1}])
    read(database)
    monkeypatch.setattr("trainer_job.database.kept.VERSION", 2)
    assert read(database) == [number]
    assert read(database) == []
    monkeypatch.undo()
    assert read(database) == []


def test_new_episodes_are_found_among_many_without_readings(
    database: Database, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computing, "NAMED_EPISODES", 1)  # of the 21, by chance one without any
    for _ in range(20):
        plant.episode([])
    new = plant.episode([{"a": 1}, {"a": 3}])
    with PostgresEpisodes(database) as source:
        assert source.moments([new])["mean"].tolist() == [[2.0]]


def test_a_machine_of_few_episodes_keeps_its_own_sensors(
    database: Database, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computing, "NAMED_EPISODES", 1)
    for _ in range(20):
        plant.episode([{"a": 1}])
    small = plant.episode([{"z": 5}])
    read(database)
    with PostgresEpisodes(database, (*LEVEL, *ORDER)) as source:
        moments = source.moments([small])
    assert moments.sensors == ("z",)
    assert moments["mean"].tolist() == [[5.0]]
    assert not np.isnan(moments["first"]).any()


def test_an_emptied_table_of_layouts_is_no_obstacle(database: Database, plant: Plant) -> None:
    episode = plant.episode([{"a": 1}])
    read(database)
    plant.change("TRUNCATE trainer.feature_layouts")
    assert read(database) == [episode]
    assert read(database) == []


def test_no_more_connections_than_needed_are_left_when_moments_are_kept(
    database: Database, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in range(30):
        plant.episode([{"a": value}])
    monkeypatch.setattr(computing, "ENOUGH", 1)
    original, open_then = kept.keep, []

    def keep(*arguments: Any) -> None:
        statement = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        with database.engine.connect() as connection:
            open_then.append(connection.execute(text(statement)).scalar_one() - 1)
        original(*arguments)

    monkeypatch.setattr(kept, "keep", keep)
    assert len(read(database)) == 30
    assert open_then == [1]
