import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.manifests import make_manifest
from trainer_job.coverage import Coverage
from trainer_job.quality import COLUMNS, Quality


def coverage(*complete: bool, **others: dict[str, int]) -> Coverage:
    return Coverage(
        ("a",), np.array(complete, dtype=bool), others.get("lacking", {}), others.get("rare", {})
    )


def numbers(quality: Quality) -> dict[str, int]:
    table = quality.table()
    assert list(table.columns) == list(COLUMNS)
    return dict(zip(table["what"], table["number"], strict=True))


def test_of_clean_data_it_says_what_was_read_and_nothing_else() -> None:
    found = make_manifest([1, 2], machines=["m1", "m2"], readings=[3, 4])
    quality = Quality(found, coverage(True, True), held_out=0, open_episodes=0)
    assert numbers(quality) == {"closed episodes": 2, "readings": 7, "machines": 2}


def test_whatever_was_left_out_is_named_with_the_reason() -> None:
    found = make_manifest([1, 2, 3], unusable=[0, 4, 1], duplicates=[2, 0, 0], readings=[1, 5, 5])
    lacking, rare = {"a": 1}, {"b": 2}
    quality = Quality(
        found, coverage(True, False, lacking=lacking, rare=rare), held_out=1, open_episodes=4
    )
    table = numbers(quality)
    assert table["open episodes"] == 4
    assert table["episodes held out"] == 1
    assert table["episodes that lack a sensor"] == 1
    assert table["episodes without a"] == 1
    assert table["episodes with b"] == 2
    assert table["values that are no number"] == 5
    assert table["readings with the time of another"] == 2
    assert table["episodes of one reading"] == 1


def test_episodes_overlap_only_on_the_same_machine() -> None:
    minutes, lengths = [0, 5, 5, 20], [10, 1, 1, 1]
    apart = make_manifest([1, 2, 3, 4], ["m1", "m2", "m3", "m1"], minutes=minutes, lengths=lengths)
    assert "episodes that overlap" not in numbers(Quality(apart, coverage(), 0, 0))
    same = make_manifest([1, 2, 3, 4], ["m1"] * 4, minutes=minutes, lengths=lengths)
    assert numbers(Quality(same, coverage(), 0, 0))["episodes that overlap"] == 2


def test_a_clock_that_went_back_is_named() -> None:
    found = make_manifest([1, 2], lengths=[1.0, -3.0])
    assert numbers(Quality(found, coverage(), 0, 0))["episodes that end before they start"] == 1


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=12))
def test_overlaps_are_those_of_a_plain_comparison(spans: list[tuple[int, int]]) -> None:
    ordered = sorted(spans)
    found = make_manifest(
        list(range(len(ordered))),
        minutes=[start for start, _ in ordered],
        lengths=[length for _, length in ordered],
    )
    expected = sum(
        any(ordered[k][0] + ordered[k][1] > start for k in range(place))
        for place, (start, _) in enumerate(ordered)
    )
    assert numbers(Quality(found, coverage(), 0, 0)).get("episodes that overlap", 0) == expected
