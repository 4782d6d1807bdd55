"""Input that happens: each kind is decided, or refused with a sentence that says what to do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.bench import Bench, decided, message
from tests.support.trained import AS_OF
from trainer_job import reasons
from trainer_job.contract import DataSummary, Outcome, Result
from trainer_job.database.connection import Database
from trainer_job.errors import UnusableData

Reading = dict[str, Any]
Change = Callable[[int, list[Reading]], list[Reading]]


@pytest.fixture
def bench(database: Database, mlflow_server: str, undrawn: None) -> Bench:
    return Bench(database, mlflow_server)


def fill(bench: Bench, change: Change = lambda _, own: own, episodes: int = 18) -> list[int]:
    """Insert episodes of three modes by turns, each of four readings, after a change to each."""
    ids = []
    for number in range(episodes):
        mode = number % 3
        own: list[Reading] = [
            {"Fx": 20.0 * mode + 0.1 * number, "Fy": 9.0 * mode + second} for second in range(4)
        ]
        start = AS_OF - timedelta(minutes=50) + timedelta(seconds=30 * number)
        ids.append(bench.plant.episode(change(number, own), start, label="abc"[mode]))
    return ids


def quality(bench: Bench, result: Result) -> dict[str, int]:
    """Return the data quality table, without what every run reads."""
    table = pd.read_csv(bench.artifact(result, "data_quality.csv"))
    told = table[table["treatment"] != "read"]
    return dict(zip(told["what"], told["number"], strict=True))


def summary(result: Result) -> DataSummary:
    assert result.data is not None
    return result.data


def parameters(bench: Bench, result: Result) -> dict[str, str]:
    assert result.model is not None
    found: dict[str, str] = bench.tracking().client.get_run(result.model.run_id).data.params
    return found


def texts(_: int, own: list[Reading]) -> list[Reading]:
    return [{sensor: f" {value}" for sensor, value in reading.items()} for reading in own]


def no_numbers(_: int, own: list[Reading]) -> list[Reading]:
    own[0]["Fx"], own[1]["Fy"], own[2]["Fx"] = "NaN", "Infinity", "broken"
    own[3] |= {"Fx": {"deep": 1}, "Fy": [1]}
    own.append({"Fx": True, "Fy": 1e101})
    return [*own, {}, {"Fx": own[1]["Fx"], "Fy": own[0]["Fy"]}]


def gaps(number: int, own: list[Reading]) -> list[Reading]:
    own[number % 4]["Fy"] = None
    del own[(number + 1) % 4]["Fx"]
    return own


def rare(number: int, own: list[Reading]) -> list[Reading]:
    more = {"Old": 1.0} if number < 6 else {"New": 2.0} if number > 9 else {}
    return [reading | more for reading in own]


def constant(_: int, own: list[Reading]) -> list[Reading]:
    return [reading | {"On": 7.1, "Off": 0} for reading in own]


def odd_names(_: int, own: list[Reading]) -> list[Reading]:
    """Rename sensors, and add two that the model's own columns are called."""
    return [
        {'50 % "x"': each["Fx"], "it's; -- " + 70 * "y": each["Fy"], "episode": 1, "timestamp": 2}
        for each in own
    ]


def huge(_: int, own: list[Reading]) -> list[Reading]:
    return [reading | {"Fx": 1e97 * reading["Fx"]} for reading in own]


@pytest.mark.parametrize(
    ("change", "unusable", "told"),
    [
        (texts, 0, {}),
        (no_numbers, 7 * 18, {"values that are no number": 7 * 18}),
        (rare, 0, {"episodes with New": 8, "episodes with Old": 6}),
        (constant, 0, {}),
        (lambda _, own: own[:1], 0, {"episodes of one reading": 18}),
        (huge, 0, {}),
        (odd_names, 0, {}),
    ],
    ids=["texts", "no-numbers", "rare", "constant", "one-reading", "huge", "odd-names"],
)
def test_what_can_be_used_is(
    bench: Bench, change: Change, unusable: int, told: dict[str, int]
) -> None:
    fill(bench, change)
    result = bench.run()
    assert decided(result) == (Outcome.PROMOTED, reasons.GATES_PASSED)
    assert result.model is not None
    assert result.model.f1 == 1
    found = summary(result)
    assert (found.episodes, found.excluded, found.unusable) == (18, 0, unusable)
    assert quality(bench, result) == told
    sensors = "4" if change is constant else "2"
    assert parameters(bench, result)["n_sensors"] == sensors


@pytest.mark.parametrize("feature_set", ["dynamics", "catch22"])
def test_gaps_in_readings_leave_no_gap_in_features(bench: Bench, feature_set: str) -> None:
    fill(bench, gaps)
    # The model is checked on its own episodes: here and in the database the same comes out.
    result = bench.run(features={"set": feature_set}, gates={"structure": "Report", "minF1": 0})
    assert decided(result)[0] is Outcome.PROMOTED
    assert summary(result).episodes == 18


def test_a_number_that_no_double_holds_is_none(bench: Bench) -> None:
    fill(bench)
    bench.plant.change(
        """UPDATE readings SET "values" = jsonb_set("values", '{Fx}', '1e400') WHERE id % 4 = 0"""
    )
    result = bench.run()
    assert decided(result)[0] is Outcome.PROMOTED
    assert quality(bench, result) == {"values that are no number": 18}
    assert summary(result).unusable == 18


def test_an_episode_that_lacks_a_sensor_is_left_out_and_named(bench: Bench) -> None:
    fill(bench)
    bench.plant.episode([{"Fx": 1.0}], AS_OF - timedelta(minutes=1))
    result = bench.run()
    assert (summary(result).episodes, summary(result).excluded) == (18, 1)
    assert quality(bench, result) == {
        "episodes that lack a sensor": 1,
        "episodes without Fy": 1,
        "episodes of one reading": 1,
    }


def test_what_is_odd_about_times_is_told_and_used(bench: Bench) -> None:
    ids = fill(bench)
    moment = AS_OF - timedelta(minutes=10)
    open_one = bench.plant.episode([{"Fx": 1, "Fy": 2}], moment, closed=False)
    other = "UPDATE failures SET end_time = start_time + :end WHERE id = :id"
    bench.plant.change(other, id=ids[0], end=timedelta(minutes=9))
    bench.plant.change(other, id=ids[-1], end=-timedelta(minutes=1))
    bench.plant.change(
        """INSERT INTO readings ("timestamp", "values", machine, failure)
        SELECT "timestamp", "values", machine, failure FROM readings WHERE failure = :id""",
        id=ids[5],
    )
    result = bench.run()
    assert decided(result)[0] is Outcome.PROMOTED
    assert summary(result).readings == 4 * 19
    assert quality(bench, result) == {
        "open episodes": 1,
        "readings with the time of another": 4,
        "episodes that overlap": 17,
        "episodes that end before they start": 1,
    }
    assert open_one not in bench.episodes(result).index


def test_times_without_a_zone_are_utc(bench: Bench) -> None:
    ids = fill(bench)
    # As in an installation whose tables the replaced service made, on a server of another zone.
    columns = (("failures", "start_time"), ("failures", "end_time"), ("readings", "timestamp"))
    for table, column in columns:
        bench.plant.change(
            f"""ALTER TABLE {table} ALTER "{column}" TYPE timestamp
            USING "{column}" AT TIME ZONE 'UTC'"""
        )
    name = bench.database.settings.name
    bench.plant.change(f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'")
    bench.database.engine.dispose()
    result = bench.run()
    assert decided(result)[0] is Outcome.PROMOTED
    assert summary(result).episodes == len(ids)


def test_many_sensors_of_few_episodes(bench: Bench) -> None:
    rng = np.random.default_rng(0)
    for number in range(12):
        levels = 10.0 * (number % 3) + rng.normal(size=(2, 500))
        own = [{f"Sensor {n}": value for n, value in enumerate(row)} for row in levels.tolist()]
        bench.plant.episode(own, AS_OF - timedelta(minutes=number + 1))
    result = bench.run()
    assert decided(result)[0] is Outcome.PROMOTED
    assert parameters(bench, result)["n_features"] == "2000"


@pytest.mark.parametrize(("clusters", "outcome"), [(1, Outcome.PROMOTED), (2, Outcome.REJECTED)])
def test_hardly_any_episodes(bench: Bench, clusters: int, outcome: Outcome) -> None:
    fill(bench, episodes=3)
    result = bench.run(data={"minEpisodes": 1}, model={"clusters": clusters}, gates={"minF1": 0})
    assert decided(result)[0] is outcome
    assert "3 episodes" in message(result)


def test_one_episode_can_be_one_mode(bench: Bench) -> None:
    fill(bench, episodes=1)
    result = bench.run(data={"minEpisodes": 1}, model={"clusters": 1})
    assert decided(result)[0] is Outcome.PROMOTED


def test_episodes_that_are_all_alike_are_one_mode(bench: Bench) -> None:
    for minute in range(12):
        bench.plant.episode([{"a": 0.1}, {"a": 0.1}], AS_OF - timedelta(minutes=minute + 1))
    result = bench.run(model={"clusterRange": {"min": 1, "max": 4}})
    assert decided(result)[0] is Outcome.PROMOTED
    assert "All 12 episodes are one failure mode." in message(result)


def test_more_clusters_than_episodes_are_refused(bench: Bench) -> None:
    fill(bench, episodes=2)
    with pytest.raises(UnusableData, match=r"2 episodes are too few for 3 clusters.*Lower it"):
        bench.run(data={"minEpisodes": 2})


def test_readings_without_any_number_are_refused(bench: Bench) -> None:
    fill(bench, lambda _, own: [{} for _ in own])
    with pytest.raises(UnusableData, match=r"18 episodes.*must be a JSON object of numbers"):
        bench.run()


def test_a_machine_that_is_not_there_is_named(bench: Bench) -> None:
    fill(bench)
    result = bench.run(data={"machines": ["press-9"]})
    assert decided(result) == (Outcome.SKIPPED, reasons.TOO_FEW_EPISODES)
    assert message(result).startswith("0 episodes in the last 1h of machine press-9, 10 needed")


def test_a_machine_of_its_own_is_all_that_is_read(bench: Bench) -> None:
    bench.plant.days(1, 16, names=("m1", "m2"), labelled=False)
    result = bench.run(
        data={"lookback": "1d", "machines": ["m2"]}, model={"clusters": 4}, gates={"minF1": 0}
    )
    assert (summary(result).episodes, summary(result).machines) == (16, 1)


def test_what_is_held_out_may_leave_nothing(bench: Bench) -> None:
    fill(bench)
    # One machine, one day: all of it, or nothing.
    outcomes = set()
    for salt in range(20):
        name = f"{bench.name}-{salt}"
        document = bench.document(
            data={"minEpisodes": 100}, model={"registeredName": name}, gates={"champion": {}}
        )
        found = summary(bench.train(document))
        outcomes.add((found.episodes, found.held_out))
    assert outcomes == {(18, 0), (0, 18)}
