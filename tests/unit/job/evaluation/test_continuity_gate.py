from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.job.evaluation.builders import make_continuity, make_evidence
from trainer_job import reasons
from trainer_job.contract import ContinuitySpec, GatesSpec
from trainer_job.evaluation import Answer, Inconclusive, continuity

REJECTING = GatesSpec(continuity=ContinuitySpec(lost="Reject"))


@pytest.mark.parametrize(
    ("lost", "answer"),
    [("Report", Answer.PASSED), ("Reject", Answer.FAILED), ("Manual", Answer.MANUAL)],
)
def test_what_a_lost_mode_does_is_configured(
    lost: Literal["Report", "Reject", "Manual"], answer: Answer
) -> None:
    evidence = make_evidence(continuity=make_continuity(lost=(4,), split=(7,)))
    verdict = continuity.check(evidence, GatesSpec(continuity=ContinuitySpec(lost=lost)))
    assert (verdict.answer, verdict.reason) == (answer, reasons.MODES_LOST)
    assert "modes of version 6, mode 4 (12 recent episodes) is lost" in verdict.message
    assert "mode 7 (9 recent episodes) is split" in verdict.message


@pytest.mark.parametrize("fate", ["lost", "split", "merged"])
def test_no_mode_goes_unnoticed(fate: str) -> None:
    evidence = make_evidence(continuity=make_continuity(**{fate: (7,)}))
    assert fate in continuity.check(evidence, REJECTING).message


def test_a_dormant_mode_is_not_lost() -> None:
    evidence = make_evidence(continuity=make_continuity(dormant=(8,)))
    verdict = continuity.check(evidence, REJECTING)
    assert (verdict.passed, verdict.reason) == (True, reasons.MODES_GO_ON)


def test_without_a_champion_nothing_can_be_lost() -> None:
    verdict = continuity.check(make_evidence(continuity=None), REJECTING)
    assert (verdict.passed, verdict.measured) == (True, False)


@given(st.sets(st.sampled_from([4, 7, 8])), st.sets(st.sampled_from([4, 7, 8])))
def test_is_monotonic(some: set[int], more: set[int]) -> None:
    def answer(lost: set[int], then: Literal["Report", "Reject", "Manual"]) -> Answer:
        evidence = make_evidence(continuity=make_continuity(lost=tuple(sorted(lost))))
        gates = GatesSpec(continuity=ContinuitySpec(lost=then))
        return continuity.check(evidence, gates).answer

    order = [Answer.PASSED, Answer.MANUAL, Answer.FAILED]
    fewer, all_of_them = (order.index(answer(lost, "Reject")) for lost in (some, some | more))
    assert fewer <= all_of_them
    assert answer(some, "Report") is Answer.PASSED
    assert order.index(answer(some, "Manual")) <= fewer


@pytest.mark.parametrize(
    ("lost", "answer"),
    [("Report", Answer.PASSED), ("Reject", Answer.MANUAL), ("Manual", Answer.MANUAL)],
)
def test_what_cannot_be_told_passes_only_where_nothing_depends_on_it(
    lost: Literal["Report", "Reject", "Manual"], answer: Answer
) -> None:
    evidence = make_evidence(continuity=Inconclusive("its model cannot be loaded"))
    verdict = continuity.check(evidence, GatesSpec(continuity=ContinuitySpec(lost=lost)))
    assert (verdict.answer, verdict.reason) == (answer, reasons.INCONCLUSIVE)
    assert "version 6 go on cannot be told: its model cannot be loaded" in verdict.message
