"""What the pipeline reads of a real database."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from tests.support.plant import ROBOT_FAILURES, START, Plant
from trainer_job.database.connection import Database
from trainer_job.episodes import PostgresEpisodes
from trainer_job.features import episode_features, features_from_moments
from trainer_job.loading import load

WINDOW = (START, START + timedelta(minutes=30))
SENSORS = ["Fx", "Fy", "Fz", "Tx", "Ty", "Tz"]


@pytest.fixture
def plant(database: Database) -> Plant:
    return Plant(database)


def found(database: Database, *machines: str) -> list[int]:
    with PostgresEpisodes(database) as source:
        return list(source.manifest(*WINDOW, machines).ids)


def test_the_window_is_half_open(database: Database, plant: Plant) -> None:
    one = timedelta(microseconds=1)
    starts = [WINDOW[0] - one, WINDOW[0], WINDOW[1] - one, WINDOW[1]]
    ids = [plant.episode([{"a": 1}], start=start) for start in starts]
    assert found(database) == ids[1:3]


def test_only_closed_episodes_with_readings_count(database: Database, plant: Plant) -> None:
    plant.episode([{"a": 1}], closed=False)
    plant.episode([])
    closed = plant.episode([{"a": 1}])
    assert found(database) == [closed]


def test_machines_limit_the_window(database: Database, plant: Plant) -> None:
    ids = {name: plant.episode([{"a": 1}], machine=name) for name in ("m1", "m2", "it's")}
    assert found(database, "m2", "it's") == [ids["m2"], ids["it's"]]
    assert found(database, "m4") == []


def test_an_episode_is_described(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1}, {"a": 2}, {"a": 3}], label="worn")
    plant.change("INSERT INTO trainer.episode_labels VALUES (:id, 'model', 'loose')", id=number)
    with PostgresEpisodes(database) as source:
        (episode,) = source.manifest(*WINDOW, []).episodes
    assert (episode.machine, episode.label, episode.readings) == ("m1", "worn", 3)
    assert episode.closed == START + timedelta(seconds=3)


def test_a_missing_end_is_that_of_the_readings(database: Database, plant: Plant) -> None:
    plant.episode([{"a": 1}, {"a": 2}])
    plant.change("UPDATE failures SET end_time = NULL")
    with PostgresEpisodes(database) as source:
        (episode,) = source.manifest(*WINDOW, []).episodes
    assert episode.closed == START + timedelta(seconds=1)


def test_the_hash_follows_the_values_and_not_their_order(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1.5, "b": 2}, {"a": 3}])

    def current() -> str:
        with PostgresEpisodes(database) as source:
            assert source.recorded([number]).hash() == source.manifest(*WINDOW, []).hash()
            return source.manifest(*WINDOW, []).hash()

    before = current()
    plant.change("""UPDATE readings SET "values" = '{"b": 2, "a": 1.50}' WHERE id = 1""")
    assert current() == before
    plant.change("""UPDATE readings SET "values" = '{"b": 2, "a": 1.51}' WHERE id = 1""")
    assert current() != before


def test_moments_are_those_of_the_readings(database: Database) -> None:
    load(database, ROBOT_FAILURES / "lp4.data.txt", WINDOW[1])
    with PostgresEpisodes(database) as source:
        ids = source.manifest(*WINDOW, []).ids
        table = features_from_moments(source.moments(ids), ids, SENSORS, "robust")
        readings = source.readings(ids)
    assert len(ids) == 117
    assert list(readings.columns) == ["episode", "timestamp", *SENSORS]
    expected = episode_features(readings, SENSORS, "robust")
    np.testing.assert_allclose(table, expected, rtol=1e-12, atol=1e-12)
    assert [str(number) for number in ids] == list(expected.index)


@pytest.mark.parametrize(
    "bad",
    [
        *('"12"', "null", "true", '"NaN"', "1e400", "-1e400", "1e101", "[1]", '{"x": 1}'),
    ],
)
def test_one_bad_value_spoils_nothing_else(database: Database, plant: Plant, bad: str) -> None:
    number = plant.episode([{"a": 1.0, "b": 5.0}, {"a": 3.0, "b": 7.0}])
    statement = """UPDATE readings SET "values" = jsonb_set("values", '{a}', CAST(:bad AS jsonb))"""
    plant.change(f"{statement} WHERE id = 1", bad=bad)
    with PostgresEpisodes(database) as source:
        moments = source.moments([number]).sort_values("sensor")
        readings = source.readings([number])
    assert moments.to_numpy().tolist() == [[number, "a", 3, 0, 3, 3], [number, "b", 6, 1, 5, 7]]
    assert np.isnan(readings["a"][0])
    assert readings["b"].to_list() == [5, 7]


@pytest.mark.parametrize("bad", ["null", "7", '"text"', "[1, 2]", "{}"])
def test_readings_that_are_no_object_have_no_sensors(
    database: Database, plant: Plant, bad: str
) -> None:
    number = plant.episode([{"a": 1}, {"a": 2}])
    plant.change('UPDATE readings SET "values" = CAST(:bad AS jsonb) WHERE id = 1', bad=bad)
    with PostgresEpisodes(database) as source:
        assert source.moments([number])["mean"].to_list() == [2]
        assert source.manifest(*WINDOW, []).episodes[0].readings == 2


def test_numbers_too_small_for_a_double_are_zero(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1}])
    plant.change("""UPDATE readings SET "values" = '{"a": 1e-400}'""")
    with PostgresEpisodes(database) as source:
        assert source.moments([number])["mean"].to_list() == [0]


def test_equal_readings_have_no_spread_at_all(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 0.1}] * 7)
    with PostgresEpisodes(database) as source:
        (row,) = source.moments([number]).itertuples(index=False)
    assert tuple(row) == (number, "a", 0.1, 0.0, 0.1, 0.1)


def test_columns_of_the_model_are_no_sensors(database: Database, plant: Plant) -> None:
    number = plant.episode([{"episode": 1, "timestamp": 2, "a": 3}])
    with PostgresEpisodes(database) as source:
        assert source.moments([number])["sensor"].to_list() == ["a"]


def test_readings_are_in_the_order_of_time(database: Database, plant: Plant) -> None:
    ids = [plant.episode([{"a": 3.0}, {"a": 1.0}, {"b": 2.0}], machine=m) for m in ("m2", "m1")]
    plant.change(
        """UPDATE readings SET "timestamp" = :early WHERE id = 2""",
        early=START - timedelta(seconds=1),
    )
    with PostgresEpisodes(database) as source:
        readings = source.readings(ids[::-1])
    expected = pd.DataFrame(
        {
            "episode": [str(ids[0])] * 3 + [str(ids[1])] * 3,
            "timestamp": [
                *(_iso(-1), _iso(0), _iso(2)),
                *(_iso(0), _iso(1), _iso(2)),
            ],
            "a": [1.0, 3.0, np.nan, 3.0, 1.0, np.nan],
            "b": [np.nan, np.nan, 2.0, np.nan, np.nan, 2.0],
        }
    )
    pd.testing.assert_frame_equal(readings, expected, check_dtype=False)


def _iso(seconds: int) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def test_all_is_read_in_one_snapshot(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1}])
    with PostgresEpisodes(database) as source:
        assert source.manifest(*WINDOW, []).ids == (number,)
        plant.episode([{"a": 1}])
        plant.change("""UPDATE readings SET "values" = '{"a": 5}'""")
        assert source.manifest(*WINDOW, []).ids == (number,)
        assert source.moments([number])["mean"].to_list() == [1]
    assert len(found(database)) == 2


def test_times_of_an_old_installation_have_no_zone_and_are_utc(
    database: Database, plant: Plant
) -> None:
    number = plant.episode([{"a": 1}])
    for column in ("start_time", "end_time"):
        plant.change(
            f"ALTER TABLE failures ALTER {column} TYPE timestamp USING {column} AT TIME ZONE 'UTC'"
        )
    with PostgresEpisodes(database) as source:
        (episode,) = source.manifest(*WINDOW, []).episodes
    assert episode.id == number
    assert episode.closed == datetime(2026, 3, 1, 11, 30, 1, tzinfo=UTC)
