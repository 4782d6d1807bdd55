"""The election: never two that may write, whatever their clocks say and whoever sleeps."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trainer_operator.leading import Seen, Step, may_write, record, step

Object = dict[str, Any]
DURATION = 15.0


def lease(holder: str, version: str = "1", seconds: int = 15) -> Object:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds}
    return {"metadata": {"resourceVersion": version}, "spec": spec}


@pytest.mark.parametrize(
    ("raw", "since", "due"),
    [
        (None, 0, Step.CREATE),
        (lease("me"), 0, Step.RENEW),
        (lease(""), 0, Step.TAKE),
        (lease("other"), 0, Step.WAIT),
        (lease("other"), 15, Step.WAIT),
        (lease("other"), 15.1, Step.TAKE),
        (lease("other", seconds=60), 15.1, Step.WAIT),  # it was promised more time
        (lease("other", seconds=1), 15, Step.WAIT),
    ],
)
def test_the_step_follows_from_what_was_seen_and_since_when(
    raw: Object | None, since: float, due: Step
) -> None:
    seen = Seen.look(raw, None, 100.0)
    assert step(raw, "me", seen, 100.0 + since, DURATION) is due


def test_only_a_change_renews_what_was_seen() -> None:
    first = Seen.look(lease("a", "1"), None, 0)
    assert Seen.look(lease("a", "1"), first, 9) == Seen("1", 0)
    assert Seen.look(lease("a", "2"), first, 9) == Seen("2", 9)
    assert Seen.look(None, first, 9) is None


def test_a_renewal_lets_write_for_less_than_others_wait() -> None:
    assert may_write(0, 9.9, DURATION)
    assert not may_write(0, 10.1, DURATION)
    assert not may_write(None, 0, DURATION)


def test_the_record_counts_who_held_it_and_keeps_its_precondition() -> None:
    new = record(None, "ns", "lease", "a", DURATION, "t1")
    assert "resourceVersion" not in new["metadata"]
    assert new["spec"]["leaseTransitions"] == 0
    renewed = record(lease("a") | {"spec": new["spec"]}, "ns", "lease", "a", DURATION, "t2")
    assert renewed["metadata"]["resourceVersion"] == "1"
    assert (renewed["spec"]["acquireTime"], renewed["spec"]["renewTime"]) == ("t1", "t2")
    taken = record(lease("a"), "ns", "lease", "b", DURATION, "t3")
    assert (taken["spec"]["acquireTime"], taken["spec"]["leaseTransitions"]) == ("t3", 1)
    assert record(lease("a"), "ns", "lease", "", DURATION, "t4")["spec"]["holderIdentity"] == ""


class Candidate:
    """An operator with a clock of its own; between reading and writing, anything may happen."""

    def __init__(self, name: str, offset: float) -> None:
        self.name = name
        self.offset = offset
        self.seen: Seen | None = None
        self.read: tuple[Object | None, float] | None = None
        self.renewed: float | None = None

    def may_write(self, time: float) -> bool:
        return may_write(self.renewed, time + self.offset, DURATION)


class Election(RuleBasedStateMachine):
    """Two candidates and an API server that refuses a write to what has changed."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.lease: Object | None = None
        self.version = 0
        self.candidates = [Candidate("a", 0.0), Candidate("b", 1_000.0)]

    @rule(seconds=st.sampled_from([1, 9.9, 15.1]))
    def time_passes(self, seconds: float) -> None:
        self.time += seconds

    @rule(number=st.integers(0, 1))
    def reads(self, number: int) -> None:
        one = self.candidates[number]
        now = self.time + one.offset
        one.seen = Seen.look(self.lease, one.seen, now)
        one.read = (self.lease, now)

    @rule(number=st.integers(0, 1))
    def writes(self, number: int) -> None:
        """Write by what was read, however long ago; the API server checks the version."""
        one = self.candidates[number]
        if one.read is None:
            return
        (read, sent), one.read = one.read, None
        due = step(read, one.name, one.seen, sent, DURATION)
        if due is Step.WAIT:
            one.renewed = None  # it would end itself
            return
        if read is not self.lease:
            return
        self.version += 1
        self.lease = record(read, "ns", "lease", one.name, DURATION, "t")
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        one.renewed = sent

    @rule(number=st.integers(0, 1))
    def does_its_round(self, number: int) -> None:
        self.reads(number)
        self.writes(number)

    @rule(number=st.integers(0, 1))
    def is_restarted(self, number: int) -> None:
        old = self.candidates[number]
        self.candidates[number] = Candidate(old.name, old.offset + 7)

    @invariant()
    def at_most_one_may_write(self) -> None:
        assert sum(one.may_write(self.time) for one in self.candidates) <= 1


Election.TestCase.settings = settings(max_examples=400, stateful_step_count=80, deadline=None)
TestElection = Election.TestCase
