import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_job.moments import (
    LARGEST,
    LEVEL,
    LOG,
    ORDER,
    Moments,
    from_readings,
    merge,
    signed_log,
    usable,
)

finite = st.floats(-1e6, 1e6)
series = st.lists(finite, min_size=1, max_size=30)
gapped = st.lists(st.one_of(finite, st.none()), min_size=1, max_size=20)


def table(values: list[Any], episode: str = "1") -> pd.DataFrame:
    return pd.DataFrame({"episode": [episode] * len(values), "a": values})


def one(values: list[Any]) -> dict[str, float]:
    moments = from_readings(table(values), ["a"])
    return {name: float(moments[name][0, 0]) for name in moments.tables}


def close(found: float, expected: float, scale: float = 1.0) -> bool:
    if math.isnan(expected):
        return math.isnan(found)
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9 * max(1.0, scale))


@given(series)
def test_moments_are_what_their_names_say(values: list[float]) -> None:
    x = np.array(values)
    found, scale = one(values), float(np.abs(x).max()) ** 2 * len(x)
    assert found["n"] == len(x)
    assert close(found["mean"], float(np.mean(x)), float(np.abs(x).max()))
    assert close(found["m2"], float(np.var(x) * len(x)), scale)
    assert (found["min"], found["max"]) == (x.min(), x.max())
    assert close(found["log_mean"], float(np.mean(np.sign(x) * np.log1p(np.abs(x)))))
    assert close(found["log_m2"], float(np.var(signed_log(x)) * len(x)))
    assert (found["first"], found["last"]) == (x[0], x[-1])
    assert close(found["d2"], sum((b - a) ** 2 for a, b in itertools.pairwise(x)), scale)
    places = np.arange(len(x))
    covariance = float(((places - places.mean()) * (x - x.mean())).sum())
    assert close(found["st"], covariance, scale)


@given(gapped, gapped)
def test_merged_moments_are_those_of_all_readings(
    before: list[float | None], after: list[float | None]
) -> None:
    parts = [from_readings(table(part), ["a"]) for part in (before, after)]
    merged, whole = merge(*parts), from_readings(table([*before, *after]), ["a"])
    known = [abs(each) for each in (*before, *after) if each is not None]
    scale = max(known, default=0.0) ** 2 * max(len(known), 1)
    assert merged.readings.tolist() == whole.readings.tolist()
    for name in (*LEVEL, *LOG, *ORDER):
        assert close(merged[name][0, 0], whole[name][0, 0], scale), name


def test_equal_readings_have_no_spread_at_all() -> None:
    found = one([0.1] * 7)
    assert (found["mean"], found["m2"], found["log_m2"], found["st"]) == (0.1, 0, 0, 0)


def test_time_orders_the_readings_where_it_is_given() -> None:
    readings = table([3.0, 1.0, 2.0])
    readings["timestamp"] = ["2026-01-31T00:00:02Z", "2026-01-31T00:00:00Z", "2026-01-31T00:00:01Z"]
    moments = from_readings(readings, ["a"])
    assert (moments["first"][0, 0], moments["last"][0, 0], moments["d2"][0, 0]) == (1, 3, 2)


def test_episodes_may_be_mixed_and_stay_in_order_of_appearance() -> None:
    readings = pd.DataFrame({"episode": ["b", "a", "b"], "a": [1.0, 5.0, 3.0]})
    moments = from_readings(readings, ["a"])
    assert list(moments.episodes) == ["b", "a"]
    assert moments["mean"][:, 0].tolist() == [2, 5]
    assert moments.readings.tolist() == [2, 1]


def test_a_gap_of_one_sensor_is_none_of_the_others() -> None:
    readings = pd.DataFrame({"episode": ["1"] * 3, "a": [1.0, np.nan, 4.0], "b": [1.0, 2.0, 3.0]})
    moments = from_readings(readings, ["a", "b"])
    assert moments["n"].tolist() == [[2, 3]]
    assert moments["d2"].tolist() == [[9, 2]]
    # The places are those among the usable values: 0 and 1.
    assert moments["st"].tolist() == [[1.5, 2]]


def test_a_sensor_without_values_has_no_moments() -> None:
    moments = from_readings(table([None, "broken"]), ["a"])
    assert moments["n"].tolist() == [[0]]
    assert all(np.isnan(moments[name]).all() for name in moments.tables if name != "n")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((2, 2), (2.5, 2.5), ("2.5", 2.5), (" -1e3\n", -1000), ("+.5", 0.5), ("7.", 7)),
        *((LARGEST, LARGEST), (np.float32(0.5), 0.5), (np.int64(3), 3), (10**90, 1e90)),
    ],
)
def test_numbers_and_their_texts_are_usable(value: object, number: float) -> None:
    (found,) = usable(pd.DataFrame({"a": [value]}, dtype=object), ["a"])["a"]
    assert found == number


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, "", "broken", "NaN", "Infinity", "0x10", "1_000", "1,5", "1e1000"),
        *(math.nan, math.inf, -math.inf, 1.1e100, 10**400, [1], {"x": 1}, "٣", b"1"),
    ],
)
def test_everything_else_is_not(value: object) -> None:
    column = pd.Series([value, 1.0], dtype=object)
    assert usable(pd.DataFrame({"a": column}), ["a"])["a"].isna().tolist() == [True, False]


def test_a_column_of_truth_values_holds_no_numbers() -> None:
    assert usable(pd.DataFrame({"a": [True, False]}), ["a"])["a"].isna().all()


def test_a_part_has_the_rows_and_sensors_that_are_asked_for() -> None:
    readings = pd.DataFrame({"episode": ["1", "2", "3"], "a": [1.0, 2, 3], "b": [4.0, 5, 6]})
    part: Moments = from_readings(readings, ["a", "b"]).take([2, 0], ["b"])
    assert list(part.episodes) == ["3", "1"]
    assert part.sensors == ("b",)
    assert part["mean"].tolist() == [[6], [4]]
    assert part.readings.tolist() == [1, 1]


def test_the_deviation_is_that_of_the_population() -> None:
    assert from_readings(table([1.0, 3.0]), ["a"]).std.tolist() == [[1]]
