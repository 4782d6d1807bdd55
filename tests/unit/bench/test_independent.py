import numpy as np
import pytest

from bench import independent
from bench.independent import WITNESSES, parsed, recording, weighted


def test_a_line_is_an_instance_and_its_last_part_the_class() -> None:
    lines = ["# comment", "@data", "1,2,3:4,5,6:walking", "", "7,8:9,10,11:running"]
    values, classes = parsed(lines)
    assert [each.tolist() for each in values] == [[[1, 4], [2, 5], [3, 6]], [[7, 9], [8, 10]]]
    assert classes == ["walking", "running"]


def test_instances_become_episodes_with_their_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [np.full((place + 1, 2), float(place)) for place in range(6)]
    found = recording(values, list("bababa"))
    assert found.modes.tolist() == [1, 0, 1, 0, 1, 0]
    assert found.readings.groupby("episode").size().tolist() == [1, 2, 3, 4, 5, 6]
    monkeypatch.setattr(independent, "EPISODES", 4)
    some = recording(values, list("bababa"))
    assert len(some.modes) == 4
    levels = some.readings.groupby("episode")["Sensor 0"].first()
    assert [int(level) % 2 for level in levels] == [1 - mode for mode in some.modes]


def test_sets_with_one_sensor_count_as_one() -> None:
    values = {name: 0.9 if each.several else 0.0 for name, each in WITNESSES.items()}
    values["Trace"] = 0.5
    assert weighted(values, 0.7) == pytest.approx([0.7, 0.9, 0.9, 0.9, 0.1])


def test_a_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(independent, "find_spec", lambda _: None)
    with pytest.raises(SystemExit, match=r"package sktime is not installed.*make"):
        independent.witness("BasicMotions")
