import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from trainer_job.contract import (
    DURATION_PATTERN,
    Comparison,
    DataSpec,
    Progress,
    RunDocument,
    Stage,
    format_duration,
    parse_duration,
    parse_progress,
    progress_line,
)

AS_OF = datetime(2026, 1, 31, 12, tzinfo=UTC)
DOCUMENT = {
    "run": {"name": "nightly", "namespace": "plant", "uid": "7d9c"},
    "asOf": "2026-01-31T12:00:00Z",
    "tracking": {"uri": "http://mlflow:5000"},
}
MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@given(st.timedeltas(timedelta(0), timedelta(days=36500)))
def test_durations_are_read_as_they_are_written(duration: timedelta) -> None:
    whole = timedelta(milliseconds=round(duration / timedelta(milliseconds=1)))
    text = format_duration(duration)
    assert re.fullmatch(DURATION_PATTERN, text)
    assert parse_duration(text) == whole


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(sorted(MILLISECONDS)))))
def test_parts_of_a_duration_add_up(parts: list[tuple[int, str]]) -> None:
    text = "0s" + "".join(f"{number}{unit}" for number, unit in parts)
    total = sum(number * MILLISECONDS[unit] for number, unit in parts)
    assert parse_duration(text) == timedelta(milliseconds=total)


@given(st.text(max_size=12))
def test_only_durations_are_durations(text: str) -> None:
    if re.fullmatch(r"([0-9]+(ms|s|m|h|d))+", text):
        parse_duration(text)
    else:
        with pytest.raises(ValueError, match="is not a duration"):
            parse_duration(text)


@pytest.mark.parametrize("text", ["1 day", "-1h", "1h\n", "1.5h", "h", "", "1H", "٣h"])
def test_refuses_what_only_looks_like_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="write numbers with units"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["99999999999d", "9" * 5000 + "s"])
def test_refuses_durations_that_cannot_be_counted(text: str) -> None:
    with pytest.raises(ValueError, match="a hundred years"):
        parse_duration(text)


def test_the_window_ends_when_the_run_was_admitted() -> None:
    assert DataSpec().window(AS_OF) == (AS_OF - timedelta(hours=1), AS_OF)
    assert DataSpec(lookback="2d").window(AS_OF) == (AS_OF - timedelta(days=2), AS_OF)


def test_a_given_window_is_cut_at_the_admission() -> None:
    given = DataSpec.model_validate(
        {"since": "2026-01-31T10:00:00+01:00", "until": "2026-02-01T00:00:00Z"}
    )
    assert given.window(AS_OF) == (datetime(2026, 1, 31, 9, tzinfo=UTC), AS_OF)


def test_a_window_longer_than_our_era_starts_with_it() -> None:
    since, _ = DataSpec(lookback="900000d").window(AS_OF)
    assert since == datetime(1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"since": "2026-01-01T00:00:00Z"}, "give both or neither"),
        (
            {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", "lookback": "1h"},
            "not both",
        ),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"}, "must be before"),
        ({"since": "2026-01-01T00:00:00", "until": "2026-01-02T00:00:00Z"}, "timezone"),
    ],
)
def test_refuses_windows_that_contradict_themselves(data: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DataSpec.model_validate(data)


def test_a_document_has_the_defaults_of_the_resource() -> None:
    document = RunDocument.model_validate(DOCUMENT)
    assert document.data.min_episodes == 10
    assert document.features.set == "basic"
    assert (document.model.number, document.model.seed) == (3, 42)
    assert document.model.registered_name == "sensor_failure_clustering"
    assert (document.gates.min_silhouette, document.gates.min_f1) == (0.0, 0.7)
    assert document.promotion.alias == "production"
    assert not document.staged


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"model": {"clusters": 3, "clusterRange": {}}}, "either clusters or clusterRange"),
        ({"model": {"clusterRange": {"min": 5, "max": 4}}}, "min must not be above max"),
        ({"gates": {"champion": {"fraction": 0.6}}}, "fraction"),
        ({"data": {"extendUntil": {"episodes": 5}}}, "atMost"),
        ({"recall": True, "check": {"version": "7"}}, "at most one of check, promote and recall"),
        (
            {"check": {"version": "7"}, "promote": {"version": "7"}},
            "at most one of check, promote and recall",
        ),
        ({"promote": {"version": "7", "expected": "6"}}, "expected goes with explicit"),
        (
            {"promote": {"version": "7", "url": "http://a:1", "outcome": "NotServing"}},
            "give no url with NotServing",
        ),
        ({"promotion": {"policy": "Manual"}}, "the policy Manual needs staged"),
    ],
)
def test_what_contradicts_itself_is_refused(parts: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RunDocument.model_validate({**DOCUMENT, **parts})


def test_a_comparison_is_shown_with_three_digits() -> None:
    found = Comparison(
        measure="F1", episodes=30, digest="d", difference=0.01234, low=-0.1, high=0.0996
    )
    shown = found.rounded()
    assert (shown.difference, shown.low, shown.high) == (0.012, -0.1, 0.1)


def test_a_document_is_read_as_it_is_written() -> None:
    document = RunDocument.model_validate(
        {
            **DOCUMENT,
            "data": {"lookback": "90m", "machines": ["a", "b"]},
            "gates": {"minF1": 0.5, "unlabelled": "Reject"},
            "staged": True,
            "promote": {"version": "7", "url": "http://predictor:8080"},
        }
    )
    written = document.to_json()
    assert written["data"]["lookback"] == "1h30m"
    assert written["gates"]["minF1"] == 0.5
    assert written["asOf"] == "2026-01-31T12:00:00Z"
    assert RunDocument.model_validate(written) == document


@pytest.mark.parametrize(
    "task",
    [
        {},
        {"promote": {"version": "7", "url": "http://predictor:8080"}},
    ],
)
def test_a_document_of_the_first_release_is_read_and_written_as_ever(task: dict[str, Any]) -> None:
    """Runs that were admitted before an upgrade keep their image, and their Jobs theirs."""
    document = RunDocument.model_validate({**DOCUMENT, **task})
    assert document.check is None
    assert not document.recall
    written = document.to_json()
    assert written.keys().isdisjoint({"check", "recall"})
    assert written.get("promote") == task.get("promote")


@pytest.mark.parametrize(
    "task",
    [
        {"check": {"version": "7"}},
        {"recall": True},
        {"promote": {"version": "7"}},
        {"promote": {"version": "7", "outcome": "NotServing"}},
        {"promote": {"version": "7", "url": "http://a:1", "explicit": True, "expected": "9"}},
        {"promotion": {"policy": "Manual", "alias": "production"}, "staged": True},
    ],
)
def test_a_document_names_its_task(task: dict[str, Any]) -> None:
    document = RunDocument.model_validate({**DOCUMENT, **task})
    written = document.to_json()
    assert {key: written[key] for key in task} == task
    assert RunDocument.model_validate(written) == document


def test_times_are_kept_in_utc() -> None:
    local = datetime(2026, 1, 31, 17, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    document = RunDocument.model_validate({**DOCUMENT, "asOf": local})
    assert document.to_json()["asOf"] == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize(
    "change",
    [
        {"modle": {}},
        {"model": {"clusterz": 3}},
        {"model": {"clusters": 0}},
        {"features": {"set": "best"}},
        {"gates": {"minF1": 1.1}},
        {"promotion": {"alias": "9"}},
    ],
)
def test_refuses_unknown_fields_and_wrong_values(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RunDocument.model_validate({**DOCUMENT, **change})


def test_progress_is_found_in_its_line() -> None:
    progress = Progress(stage=Stage.CLUSTERING, percent=40, message="é")
    line = progress_line(progress)
    assert "\n" not in line
    assert parse_progress(line) == progress


@pytest.mark.parametrize(
    "line", ["", "INFO x", '{"progress"', '{"progress":{"stage":"Resting","percent":1}}', "{}"]
)
def test_other_lines_hold_no_progress(line: str) -> None:
    assert parse_progress(line) is None
