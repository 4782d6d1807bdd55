import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_job import reasons
from trainer_job.contract import Outcome
from trainer_job.promotion import Promotion, Slot, Terms, decide

SLOT = Slot("http://mlflow:5000", "sensor_failure_clustering", "production")
BECAUSE = (reasons.PROVEN, "It answers rightly.")


def test_the_first_has_no_champion() -> None:
    decision = decide([], SLOT, Promotion(1, "a"), BECAUSE)
    assert decision.outcome is Outcome.PROMOTED
    assert decision.reason == reasons.PROVEN
    assert decision.message == (
        "It answers rightly. Version 1 of sensor_failure_clustering was given the alias production."
    )
    assert decision.champion is None


def test_a_newer_version_takes_over() -> None:
    decision = decide([Promotion(1, "a")], SLOT, Promotion(2, "b"), BECAUSE)
    assert decision.outcome is Outcome.PROMOTED
    assert decision.champion is not None
    assert decision.champion.version == "1"


def test_an_older_version_does_not() -> None:
    decision = decide([Promotion(3, "a")], SLOT, Promotion(2, "b"), BECAUSE)
    assert decision.outcome is Outcome.SUPERSEDED
    assert decision.reason == reasons.NEWER_VERSION
    assert "version 3" in decision.message
    assert decision.champion is not None
    assert decision.champion.version == "3"


def test_the_highest_ever_counts_and_not_the_active_one() -> None:
    history = [Promotion(5, "a"), Promotion(2, "rolled back by hand")]
    decision = decide(history, SLOT, Promotion(4, "b"), BECAUSE)
    assert decision.outcome is Outcome.SUPERSEDED
    assert "version 5" in decision.message
    assert decision.champion is not None
    assert decision.champion.version == "2"


@given(
    before=st.lists(st.integers(1, 50), max_size=5),
    after=st.lists(st.integers(1, 50), max_size=5),
)
def test_the_answer_stays_what_it_was(before: list[int], after: list[int]) -> None:
    version = max(before, default=0) + 1
    history = [Promotion(number, f"before {place}") for place, number in enumerate(before)]
    mine = Promotion(version, "mine")
    first = decide(history, SLOT, mine, BECAUSE)
    assert first.outcome is Outcome.PROMOTED
    later = [Promotion(number, f"after {place}") for place, number in enumerate(after)]
    assert decide([*history, mine, *later], SLOT, mine, BECAUSE) == first


@pytest.mark.parametrize("version", [1, 2])
def test_equal_is_not_older(version: int) -> None:
    decision = decide([Promotion(1, "a")], SLOT, Promotion(version, "b"), BECAUSE)
    assert decision.outcome is Outcome.PROMOTED


def test_a_named_version_takes_over_from_the_expected_one() -> None:
    history = [Promotion(1, "a"), Promotion(5, "b")]
    named = Terms(explicit=True, expected="5")
    decision = decide(history, SLOT, Promotion(1, "c"), BECAUSE, named, "5")
    assert decision.outcome is Outcome.PROMOTED
    assert decision.champion is not None
    assert decision.champion.version == "5"


@pytest.mark.parametrize(
    ("expected", "in_service"), [("5", "6"), ("5", None), (None, "5"), ("4", "5")]
)
def test_a_named_version_does_not_take_over_from_another(
    expected: str | None, in_service: str | None
) -> None:
    history = [Promotion(int(in_service), "b")] if in_service else []
    named = Terms(explicit=True, expected=expected)
    decision = decide(history, SLOT, Promotion(9, "c"), BECAUSE, named, in_service)
    assert (decision.outcome, decision.reason) == (
        Outcome.SUPERSEDED,
        reasons.UNEXPECTED_CHAMPION,
    )
    assert f"version {in_service or 'none'} holds" in decision.message


def test_a_named_version_that_was_promoted_stays_so_whatever_came_after() -> None:
    history = [Promotion(5, "a"), Promotion(1, "mine"), Promotion(6, "b")]
    named = Terms(explicit=True, expected="5")
    decision = decide(history, SLOT, Promotion(1, "mine"), BECAUSE, named, "6")
    assert decision.outcome is Outcome.PROMOTED


def test_what_nobody_was_asked_about_says_so() -> None:
    decision = decide([], SLOT, Promotion(1, "a"), BECAUSE, Terms(Outcome.NOT_SERVING))
    assert decision.outcome is Outcome.NOT_SERVING
    late = decide([Promotion(2, "b")], SLOT, Promotion(1, "a"), BECAUSE, Terms(Outcome.NOT_SERVING))
    assert late.outcome is Outcome.SUPERSEDED
