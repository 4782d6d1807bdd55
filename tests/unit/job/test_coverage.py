import pandas as pd
import pytest

from trainer_job.coverage import cover
from trainer_job.errors import UnusableData


def moments(*pairs: tuple[int, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["episode", "sensor"])


def test_uses_the_sensors_that_all_episodes_have() -> None:
    coverage = cover(moments((1, "b"), (1, "a"), (2, "a"), (2, "b")), [1, 2])
    assert coverage.sensors == ("a", "b")
    assert coverage.episodes == (1, 2)
    assert coverage.lacking == {}


def test_one_broken_episode_costs_no_sensor() -> None:
    rows = [(e, s) for e in (1, 2, 3) for s in ("a", "b") if (e, s) != (2, "b")]
    coverage = cover(moments(*rows), [1, 2, 3])
    assert coverage.sensors == ("a", "b")
    assert coverage.episodes == (1, 3)
    assert coverage.lacking == {"b": 1}


def test_a_sensor_that_half_of_the_episodes_lack_is_not_used() -> None:
    rows = [(e, "a") for e in (1, 2, 3, 4)] + [(1, "rare"), (2, "rare")]
    coverage = cover(moments(*rows), [1, 2, 3, 4])
    assert coverage.sensors == ("a",)
    assert coverage.episodes == (1, 2, 3, 4)


def test_episodes_without_any_usable_reading_count() -> None:
    coverage = cover(moments((1, "a"), (3, "a")), [1, 2, 3])
    assert coverage.episodes == (1, 3)
    assert coverage.lacking == {"a": 1}


def test_sensors_are_ordered_by_their_numbers() -> None:
    names = ["Sensor 10", "Sensor 2", "Sensor 1", "a", "2x"]
    coverage = cover(moments(*[(1, name) for name in names]), [1])
    assert coverage.sensors == ("2x", "Sensor 1", "Sensor 2", "Sensor 10", "a")


@pytest.mark.parametrize("rows", [[], [(1, "a"), (2, "b"), (3, "c")]])
def test_machines_without_a_common_sensor_are_refused(rows: list[tuple[int, str]]) -> None:
    with pytest.raises(UnusableData, match=r"most of the 3 episodes.*spec.source.data.machines"):
        cover(moments(*rows), [1, 2, 3])
