"""Data files become episodes of a real database, once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.support.plant import ROBOT_FAILURES
from trainer_job.database.connection import Database
from trainer_job.errors import UnusableData
from trainer_job.loading import load

LP4 = ROBOT_FAILURES / "lp4.data.txt"
END = datetime(2026, 3, 1, 12, tzinfo=UTC)


def rows(database: Database, statement: str) -> list[tuple[object, ...]]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_robot_failures_become_labelled_episodes_that_end_as_told(database: Database) -> None:
    loaded = load(database, LP4, END)
    assert (loaded.machine, loaded.episodes, loaded.readings) == ("lp4", 117, 1755)
    assert rows(database, "SELECT count(*), max(end_time) FROM failures WHERE NOT is_active") == [
        (117, END)
    ]
    assert rows(
        database,
        "SELECT label, count(*) FROM trainer.episode_labels WHERE source = 'human' "
        "GROUP BY label ORDER BY label",
    ) == [("collision", 72), ("normal", 24), ("obstruction", 21)]
    assert rows(database, "SELECT machine_id, first_seen, last_seen FROM machines") == [
        ("lp4", loaded.first, loaded.last)
    ]


def test_all_files_lie_in_the_default_window(database: Database) -> None:
    for number in range(1, 6):
        loaded = load(database, ROBOT_FAILURES / f"lp{number}.data.txt", END)
        assert END - timedelta(minutes=45) < loaded.first
        assert loaded.last < END


def test_readings_belong_to_their_episodes_in_the_order_of_the_file(database: Database) -> None:
    load(database, LP4, END)
    first = rows(
        database,
        'SELECT "values", f.start_time = r."timestamp", label FROM readings r '
        "JOIN failures f ON f.id = r.failure JOIN trainer.episode_labels l ON l.failure = f.id "
        'ORDER BY f.start_time, r."timestamp" LIMIT 2',
    )
    assert first == [
        ({"Fx": -2.0, "Fy": 2.0, "Fz": 20.0, "Tx": 5.0, "Ty": -6.0, "Tz": -1.0}, True, "normal"),
        ({"Fx": -2.0, "Fy": 1.0, "Fz": 20.0, "Tx": 5.0, "Ty": -6.0, "Tz": 0.0}, False, "normal"),
    ]
    assert rows(
        database,
        "SELECT count(*) FROM failures f WHERE (SELECT count(*) FROM readings r WHERE "
        'r.failure = f.id AND r."timestamp" >= f.start_time AND r."timestamp" < f.end_time) <> 15',
    ) == [(0,)]


def test_a_second_load_changes_nothing(database: Database) -> None:
    first = load(database, LP4, END)
    second = load(database, LP4, END + timedelta(days=1))
    assert (first.fresh, second.fresh) == (True, False)
    assert second.first == first.first
    assert "Nothing to do" in str(second)
    assert rows(database, "SELECT count(*), max(end_time) FROM failures") == [(117, END)]


def test_another_machine_is_another_load(database: Database) -> None:
    load(database, LP4, END)
    assert load(database, LP4, END, machine="other").fresh
    assert rows(database, "SELECT machine, count(*) FROM readings GROUP BY 1 ORDER BY 1") == [
        ("lp4", 1755),
        ("other", 1755),
    ]


def test_a_machine_was_seen_first_and_last(database: Database) -> None:
    later = load(database, LP4, END, machine="m")
    earlier = load(database, ROBOT_FAILURES / "lp1.data.txt", END - timedelta(days=1), machine="m")
    assert rows(database, "SELECT first_seen, last_seen FROM machines") == [
        (earlier.first, later.last)
    ]


def test_a_reference_file_becomes_episodes_and_normal_readings(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "data_sensors.csv"
    file.write_text("Sensor 0,Sensor 1,Label\n1,2,\n3,,1.0\n4,5,1.0\n6,7,2.0\n8,9,\n")
    loaded = load(database, file, END)
    assert (loaded.machine, loaded.episodes, loaded.readings) == ("data_sensors", 2, 5)
    assert loaded.last == END - timedelta(seconds=1)
    assert rows(
        database,
        'SELECT "values", label, r."timestamp" FROM readings r '
        "LEFT JOIN trainer.episode_labels l ON l.failure = r.failure ORDER BY r.id",
    ) == [
        ({"Sensor 0": 1.0, "Sensor 1": 2.0}, None, END - timedelta(seconds=5)),
        ({"Sensor 0": 3.0}, "1.0", END - timedelta(seconds=4)),
        ({"Sensor 0": 4.0, "Sensor 1": 5.0}, "1.0", END - timedelta(seconds=3)),
        ({"Sensor 0": 6.0, "Sensor 1": 7.0}, "2.0", END - timedelta(seconds=2)),
        ({"Sensor 0": 8.0, "Sensor 1": 9.0}, None, END - timedelta(seconds=1)),
    ]


def test_a_wrong_file_leaves_nothing(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "wrong.txt"
    file.write_text(LP4.read_text() + "\nlast\n\t1\t2\n")
    with pytest.raises(UnusableData, match="has 2 values, not 6"):
        load(database, file, END)
    assert rows(database, "SELECT count(*) FROM machines") == [(0,)]
