from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trainer_job import clustering
from trainer_job.features import FEATURE_SETS
from trainer_job.moments import Moments, from_readings
from trainer_job.patterns import Patterns, names, read_patterns


def patterns(folder: Path, text: str) -> Patterns | None:
    file = folder / "data_sensors.csv"
    file.write_text(text)
    return read_patterns(file)


def rows(number: int = 8, **levels: float) -> Patterns:
    """Return patterns of sensors a and b; a label lies at its level of a."""
    rng = np.random.default_rng(1)
    table = [
        {"label": label, "a": level + rng.normal(scale=0.1), "b": rng.normal()}
        for label, level in levels.items()
        for _ in range(number)
    ]
    return Patterns(pd.DataFrame(table), "digest")


def episodes(*levels: float, sensors: tuple[str, ...] = ("a", "b")) -> Moments:
    """Return the moments of episodes at these levels of a, three readings each."""
    rng = np.random.default_rng(2)
    readings = pd.DataFrame({"episode": np.repeat(np.arange(len(levels)), 3)})
    for sensor in sensors:
        readings[sensor] = rng.normal(scale=0.1, size=len(readings))
    readings[sensors[0]] += np.repeat(levels, 3)
    return from_readings(readings, sensors)


def test_a_missing_file_is_no_error(tmp_path: Path) -> None:
    assert read_patterns(tmp_path / "data_sensors.csv") is None


def test_a_file_without_labels_holds_no_patterns(tmp_path: Path) -> None:
    assert patterns(tmp_path, "a,Label\n1,\n") is None


def test_the_rows_of_a_label_form_a_pattern(tmp_path: Path) -> None:
    found = patterns(tmp_path, "a,b,Label\n0,1,x\n100,1,y\n5,1,\n2,,x\n104,3,y\n")
    assert found is not None
    summary = {place: list(row) for place, *row in found.summary.itertuples()}
    assert summary[("x", "a")] == [1, 1, 2]
    assert summary[("y", "a")] == [102, 2, 2]
    assert summary[("x", "b")] == [1, 0, 1]


def test_a_cluster_is_called_by_the_pattern_at_its_level() -> None:
    found = rows(worn=0, loose=5).resemblances(
        episodes(5, 5, 0, 0, 0), np.array([0, 0, 1, 1, 1]), 42
    )
    assert names(found) == {0: "loose", 1: "worn"}
    assert [(each.best, each.second) for each in found] == [("loose", "worn"), ("worn", "loose")]
    assert all(each.margin > 0.5 for each in found)


def test_a_cluster_far_from_all_patterns_is_unnamed() -> None:
    """It lies nearer to one of them than to the other all the same."""
    found = rows(worn=0, loose=5).resemblances(episodes(5, 500), np.array([0, 1]), 42)
    assert [each.named for each in found] == [True, False]
    assert found[1].best == "loose"


def test_patterns_at_one_level_name_nothing() -> None:
    found = rows(worn=0, loose=0).resemblances(episodes(0, 0.05), np.array([0, 1]), 42)
    assert names(found) == {}


def test_a_single_row_a_label_proves_nothing() -> None:
    found = rows(1, worn=0, loose=5).resemblances(episodes(5, 0), np.array([0, 1]), 42)
    assert [each.p_value for each in found] == [1, 1]


def test_labels_that_say_nothing_seldom_name_a_cluster() -> None:
    rng = np.random.default_rng(4)
    named = 0
    for seed in range(60):
        table = pd.DataFrame(rng.normal(size=(30, 2)), columns=["a", "b"])
        table["label"] = rng.permutation(np.repeat(["x", "y", "z"], 10))
        levels = episodes(*rng.normal(size=4))
        found = Patterns(table, "").resemblances(levels, np.arange(4), seed)
        named += any(each.p_value <= 0.05 / 4 for each in found)
    assert named <= 7  # 3 of 60 are expected


@pytest.mark.parametrize("sensors", [("c", "d"), ("a", "d")])
def test_only_sensors_of_both_are_compared(sensors: tuple[str, ...]) -> None:
    found = rows(worn=0, loose=5).resemblances(
        episodes(5, 0, sensors=sensors), np.array([0, 1]), 42
    )
    assert names(found) == ({0: "loose", 1: "worn"} if "a" in sensors else {})


def test_one_label_is_beaten_by_no_second() -> None:
    assert rows(worn=0).resemblances(episodes(0, 5), np.array([0, 1]), 42) == ()


def test_gaps_and_constant_sensors_are_left_out(tmp_path: Path) -> None:
    text = "\n".join(["a,gap,flat,Label", *(["0,,1,x", "5,9,1,y"] * 8)])
    found = patterns(tmp_path, text)
    assert found is not None
    moments = episodes(5, 0, sensors=("a", "gap", "flat"))
    assert names(found.resemblances(moments, np.array([0, 1]), 42)) == {0: "y", 1: "x"}


def test_numbers_of_clusters_do_not_matter() -> None:
    moments, modes = episodes(5, 5, 0, 2), np.array([0, 0, 1, 2])
    order = np.array([2, 0, 1])
    one = rows(worn=0, loose=5).resemblances(moments, modes, 42)
    other = rows(worn=0, loose=5).resemblances(moments, order[modes], 42)
    for mode, each in enumerate(one):
        moved = other[order[mode]]
        assert (moved.best, moved.named) == (each.best, each.named)
        assert (moved.margin, moved.p_value) == pytest.approx((each.margin, each.p_value))


@pytest.fixture(scope="module")
def faint() -> tuple[Patterns, Moments, list[str]]:
    """Return 40 rows of twenty sensors, of which one differs between the labels, and the rows as
    if they were episodes: as in the file that came with the replaced service."""
    rng = np.random.default_rng(9)
    labels = ["1.0"] * 10 + ["2.0"] * 10 + ["3.0"] * 20
    table = pd.DataFrame(rng.uniform(-1, 1, (40, 20)), columns=[f"Sensor {n}" for n in range(20)])
    level = {"1.0": 0.5, "2.0": -0.5, "3.0": 0.0}
    table["Sensor 9"] = table["Sensor 9"] * 0.4 + [level[label] for label in labels]
    moments = from_readings(table.assign(episode=range(40)), list(table.columns))
    return Patterns(table.assign(label=labels), ""), moments, labels


@pytest.mark.parametrize("feature_set", ["basic", "logged"])
def test_clusters_that_do_not_follow_the_labels_are_unnamed(
    faint: tuple[Patterns, Moments, list[str]], feature_set: str
) -> None:
    """In all twenty sensors together the labels are not to be seen: a name were an invention."""
    found, moments, _ = faint
    fit = clustering.fit(FEATURE_SETS[feature_set].transform(moments), "kmeans", 3, 42)
    assert names(found.resemblances(moments, fit.modes, 42)) == {}


def test_clusters_that_do_are_nearest_to_their_own_pattern(
    faint: tuple[Patterns, Moments, list[str]],
) -> None:
    found, moments, labels = faint
    modes = np.unique(labels, return_inverse=True)[1]
    told = found.resemblances(moments, modes, 42)
    assert [each.best for each in told] == ["1.0", "2.0", "3.0"]
    assert {0, 1} <= names(told).keys()
