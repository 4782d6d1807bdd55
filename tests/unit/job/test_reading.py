from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.manifests import START, make_manifest
from trainer_job import reading, reasons
from trainer_job.contract import RunDocument
from trainer_job.database.records import RunRecord
from trainer_job.episodes import Manifest, Which
from trainer_job.errors import BadConfiguration, UnusableData
from trainer_job.holdout import Rule, blocks, held_out_blocks
from trainer_job.moments import Moments, from_readings

AS_OF = START + timedelta(days=60)
HOUR = timedelta(hours=1)


@dataclass
class Episodes:
    """A store of episodes that start some minutes after `START`."""

    all: Manifest
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    changes: list[int] = field(default_factory=list)
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    def manifest(
        self,
        since: datetime,
        until: datetime,
        machines: Sequence[str],
        which: Which | None = None,
    ) -> Manifest:
        self.asked.append((since, until))
        inside = (self.all.started >= utc(since)) & (self.all.started < utc(until))
        found = self.all.take(inside)
        return found if which is None else found.take(which(found.machines, found.started))

    def recorded(self, ids: Sequence[int]) -> Manifest:
        return self.all.only(ids)

    def moments(self, ids: Any) -> Moments:
        sensors = [str(name) for name in self.table if name not in {"episode", "timestamp"}]
        wanted = self.table[self.table["episode"].isin([str(each) for each in ids])]
        return from_readings(wanted, sensors)

    def readings(self, ids: Any) -> pd.DataFrame:
        return self.table[self.table["episode"].isin([str(each) for each in ids])]

    def changed(self, ids: Sequence[int]) -> list[int]:
        return [each for each in ids if each in self.changes]

    def open_episodes(self, since: datetime, until: datetime, machines: Sequence[str]) -> int:
        return 3

    def earlier(
        self, since: datetime, bound: datetime, machines: Sequence[str], number: int
    ) -> datetime:
        inside = (self.all.started >= utc(bound)) & (self.all.started < utc(since))
        found = np.sort(self.all.started[inside])[-number:]
        if not len(found):
            return since
        moment: datetime = found[0].astype("datetime64[us]").item()
        return moment.replace(tzinfo=UTC)


def utc(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.replace(tzinfo=None), "us")


def hours_ago(*hours: float, **parts: Any) -> Episodes:
    """Return episodes, numbered from 1, that started so long before `AS_OF`."""
    minutes = [(AS_OF - START) / timedelta(minutes=1) - 60 * each for each in hours]
    return Episodes(make_manifest(range(1, len(hours) + 1), minutes=minutes, **parts))


def document(data: dict[str, Any] | None = None, champion: Any = None) -> RunDocument:
    gates = {} if champion is None else {"champion": champion}
    return RunDocument.model_validate(
        {
            "run": {"name": "nightly", "uid": "u"},
            "asOf": AS_OF.isoformat(),
            "tracking": {"uri": "http://mlflow"},
            "data": data or {},
            "gates": gates,
        }
    )


def extended(episodes: int, at_most: str) -> RunDocument:
    return document({"extendUntil": {"episodes": episodes, "atMost": at_most}})


@pytest.mark.parametrize(
    ("wanted", "at_most", "ids", "start"),
    [
        (2, "9h", [1, 2], 1),  # enough as it is
        (3, "9h", [1, 2, 3], 2),
        (4, "9h", [1, 2, 3, 4, 5], 4),  # two that started at once
        (9, "3h", [1, 2, 3], 2),
        (9, "30m", [1, 2], 1),  # no wider than it is
        (9, "4000000d", [1, 2, 3, 4, 5, 6], 700),  # further back than there are years
    ],
)
def test_a_thin_window_is_widened(wanted: int, at_most: str, ids: list[int], start: float) -> None:
    source = hours_ago(0.2, 0.9, 2, 4, 4, 700)
    found = reading.find(extended(wanted, at_most), source, None, None)
    assert found.all.ids.tolist() == ids
    assert (found.since, found.until) == (AS_OF - start * HOUR, AS_OF)


def test_a_window_without_episodes_stays_as_it_is() -> None:
    found = reading.find(extended(9, "90d"), hours_ago(), None, None)
    assert (len(found.all), found.since) == (0, AS_OF - HOUR)


def test_what_is_held_out_does_not_thicken_a_window() -> None:
    source = hours_ago(*(24.0 * day + 0.5 for day in range(50)))
    rule = Rule("salt", 0.5)
    found = reading.find(extended(10, "90d"), source, None, rule)
    assert len(found.training) == 10
    assert found.held_out > 0


@given(
    st.lists(st.integers(0, 500), max_size=40),
    st.integers(1, 30),
    st.integers(1, 400),
    st.sampled_from([None, 0.1, 0.5]),
)
def test_a_widened_window_holds_enough_to_fit_on_or_all_there_is(
    hours: list[int], wanted: int, at_most: int, fraction: float | None
) -> None:
    rule = None if fraction is None else Rule("salt", fraction)
    source = hours_ago(*(hour + 0.5 for hour in hours))
    found = reading.find(extended(wanted, f"{at_most}h"), source, None, rule)
    bound = AS_OF - max(at_most, 1) * HOUR
    assert bound <= found.since <= AS_OF - HOUR
    assert found.all.ids.tolist() == source.manifest(found.since, AS_OF, []).ids.tolist()
    if len(found.training) < wanted:
        assert len(found.all) == len(source.manifest(bound, AS_OF, []))
    elif found.since < AS_OF - HOUR:
        # One episode less would have been too few.
        later = found.all.take(found.all.started > utc(found.since))
        held = held_out_blocks("salt", blocks(later.machines, later.started), fraction or 0)
        assert int((~held).sum()) < wanted


def test_what_is_held_out_is_not_trained_on() -> None:
    source = hours_ago(*(24.0 * day + 1 for day in range(40)))
    rule = Rule("salt", 0.3)
    found = reading.find(document({"lookback": "20d"}, {"lookback": "30d"}), source, None, rule)
    days = blocks(source.all.machines, source.all.started)
    held = set(source.all.ids[held_out_blocks("salt", days, 0.3)])
    assert held
    assert set(found.training.ids) == set(range(1, 21)) - held
    assert found.held_out == 20 - len(found.training)
    assert set(found.compared.ids) == set(range(1, 31)) & held


def test_what_was_not_over_is_not_compared() -> None:
    lengths = [30.0, 90.0]  # minutes
    source = hours_ago(1, 1, lengths=lengths)
    found = reading.find(document(champion={}), source, None, Rule("salt", 1.0))
    assert found.compared.ids.tolist() == [1]


def test_a_comparison_may_look_back_for_ever() -> None:
    champion = {"lookback": "4000000d"}
    found = reading.find(document(champion=champion), hours_ago(1, 900), None, Rule("s", 1.0))
    assert found.compared.ids.tolist() == [1, 2]


def test_without_a_comparison_nothing_is_held_out() -> None:
    found = reading.find(document(), hours_ago(0.5, 0.6), None, None)
    assert (found.held_out, len(found.compared)) == (0, 0)


def recorded(source: Episodes, *ids: int) -> RunRecord:
    manifest = source.all.only(ids)
    return RunRecord(None, ids, manifest.hash(), tuple(manifest.labels))


def test_a_later_attempt_uses_the_episodes_and_labels_of_the_first() -> None:
    source = hours_ago(0.5, 3, 0.1, labels=["worn", None, None])
    record = recorded(source, 1, 2)
    source.all = replace(source.all, labels=np.array(["torn", "new", "new"], dtype=object))
    found = reading.find(document(), source, record, None)
    assert found.all.ids.tolist() == [1, 2]
    assert found.all.labels.tolist() == ["worn", None]
    # The window was widened then.
    assert found.since == AS_OF - 3 * HOUR
    assert source.asked == []


def test_a_later_attempt_compares_on_the_episodes_and_labels_of_the_first() -> None:
    source = hours_ago(0.5, 30, 50, labels=["worn", "torn", None])
    compared = source.all.only([2])
    record = replace(
        recorded(source, 1),
        compared=(2,),
        compared_hash=compared.hash(),
        compared_labels=tuple(compared.labels),
    )
    source.all = replace(source.all, labels=np.array(["new"] * 3, dtype=object))
    found = reading.find(document(champion={}), source, record, Rule("salt", 1.0))
    assert found.compared.ids.tolist() == [2]
    assert found.compared.labels.tolist() == ["torn"]
    assert source.asked == []


def test_an_attempt_of_before_has_not_written_down_what_is_compared() -> None:
    source = hours_ago(0.5, 30)
    record = recorded(source, 1)
    found = reading.find(document(champion={}), source, record, Rule("salt", 1.0))
    assert found.compared.ids.tolist() == [1, 2]


@pytest.mark.parametrize("ids", [[1], [1, 2]])
def test_readings_that_changed_between_attempts_are_refused(ids: list[int]) -> None:
    source = hours_ago(0.5, 0.6)
    record = recorded(source, 1, 2)
    changed = source.all.only(ids)
    source.all = replace(changed, digests=changed.digests + len(ids) - 1)
    with pytest.raises(UnusableData, match=r"2 episodes.*Apply a new run") as caught:
        reading.find(document(), source, record, None)
    assert caught.value.reason == reasons.DATA_CHANGED


def with_readings(*values: dict[str, Any]) -> Episodes:
    """Return one episode for each reading."""
    rows = [
        {"episode": str(number), "timestamp": START.isoformat(), **own}
        for number, own in enumerate(values, 1)
    ]
    return Episodes(make_manifest(range(1, len(values) + 1)), pd.DataFrame(rows))


def test_usable_is_a_table_without_gaps() -> None:
    source = with_readings({"a": 1.0, "b": 2.0}, {"a": 3.0}, {"a": 5.0, "b": 6.0, "c": 7.0})
    used = reading.usable(source, source.all)
    assert used.manifest.ids.tolist() == [1, 3]
    assert used.moments.sensors == used.coverage.sensors == ("a", "b")
    assert used.moments["mean"].tolist() == [[1, 2], [5, 6]]
    assert used.every.sensors == ("a", "b", "c")
    assert used.coverage.complete.tolist() == [True, False, True]


def test_a_sample_holds_numbers_alone() -> None:
    odd = [" 1.5", "NaN", True, 10**400, float("inf"), None, {"deep": 1}, 1e101, -2]
    source = with_readings(*({"a": value, "b": 1.0} for value in odd))
    found = reading.sample(source, list(range(1, 10)), ("b", "a"))
    assert list(found.columns) == ["episode", "timestamp", "b", "a"]
    assert found["a"].dtype == "float64"
    assert found["a"].dropna().tolist() == [1.5, -2]
    assert found["episode"].tolist() == [str(number) for number in range(1, 10)]


def test_a_sample_of_changed_readings_is_refused() -> None:
    source = with_readings({"a": 1.0}, {"a": 2.0})
    source.changes = [2]
    with pytest.raises(UnusableData, match=r"episode 2 were.*spec\.source\.data\.rebuild"):
        reading.sample(source, [1, 2], ("a",))


def test_the_quality_table_counts_what_is_still_open() -> None:
    source = with_readings({"a": 1.0}, {"a": 2.0})
    found = reading.find(document({"lookback": "100d"}), source, None, None)
    used = reading.usable(source, found.training)
    table = reading.quality(document(), source, found, used).table()
    assert dict(zip(table["what"], table["number"], strict=True))["open episodes"] == 3


def test_a_set_whose_package_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    reading.require("catch22")
    monkeypatch.setattr(reading, "find_spec", lambda name: None)
    reading.require("dynamics")
    with pytest.raises(BadConfiguration, match=r"pycatch22.*spec\.job\.image") as caught:
        reading.require("catch22")
    assert caught.value.reason == reasons.MISSING_EXTRA
