import numpy as np
import pytest

from trainer_job.coverage import cover
from trainer_job.errors import UnusableData
from trainer_job.moments import Moments


def moments(sensors: str, *rows: str) -> Moments:
    """Return moments of episodes that have the sensors whose letters stand in their row."""
    counts = [[3.0 if sensor in row else 0.0 for sensor in sensors] for row in rows]
    return Moments(
        np.arange(len(rows)),
        tuple(sensors),
        np.full(len(rows), 3),
        {"n": np.array(counts).reshape(len(rows), len(sensors))},
    )


def test_uses_the_sensors_that_all_episodes_have() -> None:
    coverage = cover(moments("ab", "ab", "ab"))
    assert coverage.sensors == ("a", "b")
    assert coverage.complete.tolist() == [True, True]
    assert coverage.lacking == coverage.rare == {}


def test_one_broken_episode_costs_no_sensor() -> None:
    coverage = cover(moments("ab", "ab", "a", "ab"))
    assert coverage.sensors == ("a", "b")
    assert coverage.complete.tolist() == [True, False, True]
    assert coverage.lacking == {"b": 1}


def test_a_sensor_that_half_of_the_episodes_lack_is_not_used() -> None:
    coverage = cover(moments("ar", "ar", "ar", "a", "a"))
    assert coverage.sensors == ("a",)
    assert coverage.complete.all()
    assert coverage.rare == {"r": 2}


def test_episodes_without_any_usable_reading_count() -> None:
    coverage = cover(moments("a", "a", "", "a"))
    assert coverage.complete.tolist() == [True, False, True]
    assert coverage.lacking == {"a": 1}


@pytest.mark.parametrize("found", [moments("", "", "", ""), moments("abc", "a", "b", "c")])
def test_machines_without_a_common_sensor_are_refused(found: Moments) -> None:
    with pytest.raises(UnusableData, match=r"most of the 3 episodes.*spec.source.data.machines"):
        cover(found)
