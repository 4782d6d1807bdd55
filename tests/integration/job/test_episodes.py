"""What the pipeline reads of a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.plant import ROBOT_FAILURES, START, Plant
from trainer_job.database.connection import Database
from trainer_job.database.source import PostgresEpisodes
from trainer_job.errors import UnusableData
from trainer_job.loading import load
from trainer_job.moments import LEVEL, LOG, ORDER, Moments, from_readings, usable

WINDOW = (START, START + timedelta(minutes=30))
SENSORS = ("Fx", "Fy", "Fz", "Tx", "Ty", "Tz")
ALL = (*LEVEL, *LOG, *ORDER)


@pytest.fixture
def plant(database: Database) -> Plant:
    return Plant(database)


def utc(times: "np.ndarray[Any, Any]") -> list[datetime]:
    return [moment.replace(tzinfo=UTC) for moment in times.astype("datetime64[us]").tolist()]


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


def test_nothing_is_computed_of_episodes_that_are_not_chosen(
    database: Database, plant: Plant
) -> None:
    plant.episode([{"a": 1}], machine="m1")
    wanted = plant.episode([{"a": 2}], machine="m2")
    with PostgresEpisodes(database) as source:
        found = source.manifest(*WINDOW, [], lambda machines, started: machines == "m2")
        assert found.ids.tolist() == [wanted]
        assert (found.machines.tolist(), utc(found.started)) == (["m2"], [START])
    statement = "SELECT failure FROM trainer.episode_features"
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql(statement).scalars().all() == [wanted]


def test_an_episode_is_described(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1}, {"a": 2}, {"a": 3}], label="worn")
    plant.change("INSERT INTO trainer.episode_labels VALUES (:id, 'model', 'loose')", id=number)
    with PostgresEpisodes(database) as source:
        manifest = source.manifest(*WINDOW, [])
    assert (*manifest.machines, *manifest.labels, *manifest.readings) == ("m1", "worn", 3)
    assert (*utc(manifest.started), *utc(manifest.closed)) == (START, START + timedelta(seconds=3))
    assert (*manifest.unusable, *manifest.duplicates) == (0, 0)


def test_a_missing_end_is_that_of_the_readings(database: Database, plant: Plant) -> None:
    plant.episode([{"a": 1}, {"a": 2}])
    plant.change("UPDATE failures SET end_time = NULL")
    with PostgresEpisodes(database) as source:
        assert utc(source.manifest(*WINDOW, []).closed) == [START + timedelta(seconds=1)]


def test_the_hash_follows_values_and_times_and_not_their_order(
    database: Database, plant: Plant
) -> None:
    number = plant.episode([{"a": 1.5, "b": 2}, {"a": 3}])

    def current() -> str:
        with PostgresEpisodes(database, rebuild=True) as source:
            assert source.recorded([number]).hash() == source.manifest(*WINDOW, []).hash()
            return source.manifest(*WINDOW, []).hash()

    hashes = [current()]
    plant.change("""UPDATE readings SET "values" = '{"b": 2, "a": 1.50}' WHERE id = 1""")
    assert current() == hashes[0]
    plant.change("""UPDATE readings SET "values" = '{"b": 2, "a": 1.51}' WHERE id = 1""")
    hashes.append(current())
    plant.change("""UPDATE readings SET "timestamp" = "timestamp" + interval '1 ms' WHERE id = 1""")
    hashes.append(current())
    assert len(set(hashes)) == 3


def test_moments_are_those_of_the_readings(database: Database) -> None:
    load(database, ROBOT_FAILURES / "lp4.data.txt", WINDOW[1])
    with PostgresEpisodes(database, ALL) as source:
        ids = source.manifest(*WINDOW, []).ids
        moments, readings = source.moments(ids), source.readings(ids)
    assert moments["n"].shape == (117, 6)
    assert list(readings.columns) == ["episode", "timestamp", *SENSORS]
    assert_same(moments, from_readings(readings, SENSORS))


def assert_same(found: Moments, expected: Moments) -> None:
    """Compare to 1e-9 relative to what the values are, or to 1 where they are smaller."""
    assert [str(each) for each in found.episodes] == list(expected.episodes)
    assert found.sensors == expected.sensors
    assert found.readings.tolist() == expected.readings.tolist()
    size = np.nan_to_num(np.fmax(np.abs(expected["min"]), np.abs(expected["max"])))
    largest = np.fmax(size, 1)
    for name in ALL:
        values = np.log1p(largest) if name in LOG else largest
        squares = name in {"m2", "d2", "st", "log_m2"}
        scale = values**2 * np.fmax(expected["n"], 1) ** 2 if squares else values
        gap = np.isnan(expected[name])
        assert (gap == np.isnan(found[name])).all(), name
        assert (np.abs(found[name] - expected[name]) <= 1e-9 * scale)[~gap].all(), name


number = st.one_of(
    st.floats(-1e6, 1e6),
    st.integers(-(10**6), 10**6),
    st.floats(-1e90, 1e90, allow_subnormal=True),
    st.sampled_from([0.0, 1e-310, 1e99, -1e99, 1e100]),
)
odd = st.sampled_from(
    [None, True, "12", " 1.5e3 ", "broken", "NaN", "1e999", [1], {"x": 1}, 10**101]
)
names = st.sampled_from(
    [
        "a",
        "b",
        "",
        "id",
        "machine",
        "failure",
        "values",
        "place",
        "Sensor 10",
        "it's",
        'quo"te',
        "100 %",
        ":c",
        "ü" * 40,
    ]
)
plain_reading = st.dictionaries(names, number, max_size=4)
odd_reading: st.SearchStrategy[Any] = st.one_of(
    st.dictionaries(names, st.one_of(number, odd), max_size=4), st.sampled_from([None, 7, "x", []])
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    episodes=st.one_of(
        st.lists(st.lists(plain_reading, min_size=1, max_size=6), min_size=1, max_size=4),
        st.lists(st.lists(odd_reading, min_size=1, max_size=6), min_size=1, max_size=4),
    )
)
def test_moments_equal_a_plain_computation(
    database: Database, plant: Plant, episodes: list[list[Any]]
) -> None:
    plant.change("TRUNCATE failures, readings CASCADE")
    ids = [plant.episode(readings) for readings in episodes]
    with PostgresEpisodes(database, ALL, rebuild=True) as source:
        moments, readings = source.moments(ids), source.readings(ids)
    assert_same(moments, from_readings(readings, moments.sensors))
    unused = [name for name in readings.columns[2:] if name not in moments.sensors]
    assert usable(readings, unused).isna().all(axis=None)


@pytest.mark.parametrize(
    ("bad", "number"),
    [
        *(('"12"', 12), ('" 1.5e1 "', 15), ("null", None), ("true", None), ('"NaN"', None)),
        *(("1e400", None), ("-1e400", None), ("1e101", None), ("[1]", None), ('{"x": 1}', None)),
        *(('"broken"', None), ('"Infinity"', None), ('"1e400"', None)),
    ],
)
def test_one_bad_value_spoils_nothing_else(
    database: Database, plant: Plant, bad: str, number: float | None
) -> None:
    episode = plant.episode([{"a": 1.0, "b": 5.0}, {"a": 3.0, "b": 7.0}])
    statement = """UPDATE readings SET "values" = jsonb_set("values", '{a}', CAST(:bad AS jsonb))"""
    plant.change(f"{statement} WHERE id = 1", bad=bad)
    with PostgresEpisodes(database) as source:
        moments, readings = source.moments([episode]), source.readings([episode])
        (unusable,) = source.manifest(*WINDOW, []).unusable
    values = [3.0] if number is None else [number, 3.0]
    assert moments["mean"].tolist() == [[np.mean(values), 6]]
    assert moments["n"].tolist() == [[len(values), 2]]
    assert usable(readings, ["a"])["a"].dropna().tolist() == values
    assert unusable == (number is None and bad != "null")


@pytest.mark.parametrize("bad", ["null", "7", '"text"', "[1, 2]", "{}"])
def test_readings_that_are_no_object_have_no_sensors(
    database: Database, plant: Plant, bad: str
) -> None:
    number = plant.episode([{"a": 1}, {"a": 2}])
    plant.change('UPDATE readings SET "values" = CAST(:bad AS jsonb) WHERE id = 1', bad=bad)
    with PostgresEpisodes(database) as source:
        assert source.moments([number])["mean"].tolist() == [[2]]
        assert source.manifest(*WINDOW, []).readings.tolist() == [2]


def test_an_episode_without_any_sensor_has_none(database: Database, plant: Plant) -> None:
    number = plant.episode([{}, {}])
    with PostgresEpisodes(database, ALL) as source:
        moments = source.moments([number])
    assert moments["n"].shape == (1, 0)
    assert moments.readings.tolist() == [2]


def test_logarithms_of_small_units_keep_their_digits(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": n * 1e-12, "b": n * 2e-3} for n in (-3, 1, 2, 7)])
    with PostgresEpisodes(database, ALL) as source:
        moments = source.moments([number])
        expected = from_readings(source.readings([number]), moments.sensors)
    for name in LOG:
        np.testing.assert_allclose(moments[name], expected[name], rtol=1e-12)


def test_episodes_without_readings_are_left_out(database: Database, plant: Plant) -> None:
    empty, found = plant.episode([]), plant.episode([{"a": 1}])
    with PostgresEpisodes(database, ALL) as source:
        assert source.recorded([empty]).ids.tolist() == []
        assert source.recorded([empty, found]).ids.tolist() == [found]


def test_one_gap_or_none_the_order_is_that_of_time(database: Database, plant: Plant) -> None:
    values = [{"a": 1e-200, "b": 1.0}, {"a": 2e-200}, {"a": 5.0, "b": 3.0}]
    ids = [plant.episode(values), plant.episode(values[:1] + values[2:])]
    with PostgresEpisodes(database, ALL) as source:
        moments = source.moments(ids)
        assert_same(moments, from_readings(source.readings(ids), moments.sensors))


def test_times_that_no_calendar_has_are_put_up_with(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1.0}, {"a": 2.0}, {"a": 4.0}])
    plant.change("""UPDATE readings SET "timestamp" = '9999-12-31Z' WHERE id = 2""")
    plant.change("""UPDATE readings SET "timestamp" = 'infinity' WHERE id = 3""")
    plant.change("UPDATE failures SET end_time = NULL")
    with PostgresEpisodes(database, ALL) as source:
        moments, readings = source.moments([number]), source.readings([number])
        assert source.manifest(*WINDOW, []).closed.astype("datetime64[Y]").astype(str) == ["9999"]
    assert readings["a"].to_list() == [1, 2, 4]
    assert moments["last"].tolist() == from_readings(readings, ("a",))["last"].tolist() == [[4]]


@pytest.mark.parametrize("column", ["timestamp", "values"])
def test_readings_of_old_tables_may_lack_a_part(
    database: Database, plant: Plant, column: str
) -> None:
    number = plant.episode([{"a": 1.0}, {"a": 3.0}])
    plant.change(f'ALTER TABLE readings ALTER "{column}" DROP NOT NULL')
    plant.change(f'UPDATE readings SET "{column}" = NULL')
    with PostgresEpisodes(database, ALL) as source:
        assert source.manifest(*WINDOW, []).readings.tolist() == [2]
        assert len(source.readings([number])) == 2


def test_what_postgresql_cannot_read_is_refused(database: Database, plant: Plant) -> None:
    plant.change('ALTER TABLE readings ALTER "values" TYPE json USING "values"::json')
    number = plant.episode([{"a": 1.0}])
    plant.change("""UPDATE readings SET "values" = '{"a": "\\u0000"}'""")
    with PostgresEpisodes(database) as source, pytest.raises(UnusableData, match="cannot read"):
        source.moments([number])


def test_numbers_too_small_for_a_double_are_zero(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1}])
    plant.change("""UPDATE readings SET "values" = '{"a": 1e-400}'""")
    with PostgresEpisodes(database) as source:
        assert source.moments([number])["mean"].tolist() == [[0]]


def test_equal_readings_have_no_spread_at_all(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 0.1}] * 7)
    with PostgresEpisodes(database, ALL) as source:
        moments = source.moments([number])
    assert [moments[name][0, 0] for name in LEVEL] == [7, 0.1, 0, 0.1, 0.1]
    assert [moments[name][0, 0] for name in ("log_m2", "d2", "st")] == [0, 0, 0]


def test_columns_of_the_model_are_no_sensors(database: Database, plant: Plant) -> None:
    number = plant.episode([{"episode": 1, "timestamp": 2, "a": 3}])
    with PostgresEpisodes(database) as source:
        assert source.moments([number]).sensors == ("a",)
        assert list(source.readings([number]).columns) == ["episode", "timestamp", "a"]


def test_sensors_are_ordered_by_their_numbers(database: Database, plant: Plant) -> None:
    plant.episode([dict.fromkeys(["Sensor 10", "Sensor 2", "Sensor 1", "a", "2x"], 1.0)])
    with PostgresEpisodes(database) as source:
        sensors = source.moments(source.manifest(*WINDOW, []).ids).sensors
    assert sensors == ("2x", "Sensor 1", "Sensor 2", "Sensor 10", "a")


def test_hundreds_of_sensors_are_read(database: Database, plant: Plant) -> None:
    ids = [plant.episode([{f"s{n}": n + k for n in range(600)} for k in (e, 3)]) for e in (0, 1)]
    with PostgresEpisodes(database, ALL) as source:
        moments = source.moments(ids)
        assert_same(moments, from_readings(source.readings(ids), moments.sensors))
    assert moments["mean"][1].tolist() == [n + 2 for n in range(600)]


def test_readings_of_the_same_time_are_counted(database: Database, plant: Plant) -> None:
    plant.episode([{"a": 1}, {"a": 2}, {"a": 3}])
    plant.change('UPDATE readings SET "timestamp" = (SELECT min("timestamp") FROM readings)')
    with PostgresEpisodes(database) as source:
        assert source.manifest(*WINDOW, []).duplicates.tolist() == [2]


def test_open_episodes_are_counted(database: Database, plant: Plant) -> None:
    plant.episode([{"a": 1}], closed=False)
    plant.episode([{"a": 1}], closed=False, machine="m2")
    plant.episode([{"a": 1}])
    with PostgresEpisodes(database) as source:
        assert source.open_episodes(*WINDOW, []) == 2
        assert source.open_episodes(*WINDOW, ["m2"]) == 1


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
    return (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def test_all_is_read_in_one_snapshot(database: Database, plant: Plant) -> None:
    number = plant.episode([{"a": 1}])
    with PostgresEpisodes(database) as source:
        assert source.manifest(*WINDOW, []).ids.tolist() == [number]
        plant.episode([{"a": 1}])
        plant.change("""UPDATE readings SET "values" = '{"a": 5}'""")
        assert source.manifest(*WINDOW, []).ids.tolist() == [number]
        assert source.readings([number])["a"].to_list() == [1]
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
        manifest = source.manifest(*WINDOW, [])
    assert manifest.ids.tolist() == [number]
    assert utc(manifest.closed) == [datetime(2026, 3, 1, 11, 30, 1, tzinfo=UTC)]
