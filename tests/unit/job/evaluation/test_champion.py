from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.job.evaluation.builders import make_comparison, make_evidence
from trainer_job import reasons
from trainer_job.contract import ChampionSpec, GatesSpec
from trainer_job.evaluation import Answer, Inconclusive, Verdict, champion

differences = st.floats(-1, 1)


def asked(comparison: object = None, version: str | None = "6", **spec: Any) -> Verdict:
    evidence = make_evidence(champion=version, comparison=comparison)
    return champion.check(evidence, GatesSpec(champion=ChampionSpec(**spec)))


@pytest.mark.parametrize(
    ("low", "high", "improvement", "reason"),
    [
        (-0.20, -0.06, None, reasons.WORSE_THAN_CHAMPION),
        (-0.20, -0.05, None, reasons.NOT_WORSE),  # not wholly below the margin
        (-0.20, 0.30, None, reasons.NOT_WORSE),
        (-0.02, 0.30, 0.0, reasons.NOT_BETTER),
        (0.02, 0.30, 0.02, reasons.NOT_BETTER),
        (0.03, 0.30, 0.02, reasons.BETTER),
        (-0.20, -0.06, 0.0, reasons.WORSE_THAN_CHAMPION),
    ],
)
def test_the_interval_decides(
    low: float, high: float, improvement: float | None, reason: str
) -> None:
    verdict = asked(make_comparison(low, high), min_improvement=improvement)
    assert verdict.reason == reason
    assert verdict.passed is (reason in {reasons.NOT_WORSE, reasons.BETTER})


def test_the_figures_are_told() -> None:
    message = asked(make_comparison(-0.5, -0.3)).message
    for words in ("version 6 on 84 held-out", "macro F1", "-0.400", "-0.500 to -0.300"):
        assert words in message
    assert "worse by more than 0.05 (spec.gates.champion.margin)" in message
    message = asked(make_comparison(-0.1, 0.1, "Separation"), min_improvement=0.02).message
    assert "silhouette in one space differs by +0.000" in message
    assert "0.02 (spec.gates.champion.minImprovement)" in message


@pytest.mark.parametrize(
    ("then", "answer"),
    [("Promote", Answer.PASSED), ("Reject", Answer.FAILED), ("Manual", Answer.MANUAL)],
)
def test_what_cannot_be_told_is_decided_by_the_spec(then: str, answer: Answer) -> None:
    verdict = asked(Inconclusive("it has no salt"), inconclusive=then)
    assert (verdict.answer, verdict.reason) == (answer, reasons.INCONCLUSIVE)
    assert "version 6 cannot be told: it has no salt." in verdict.message
    assert f"spec.gates.champion.inconclusive is {then}" in verdict.message


def test_without_a_champion_there_is_nothing_to_be_worse_than() -> None:
    verdict = asked(None, version=None)
    assert (verdict.passed, verdict.reason, verdict.measured) == (True, reasons.NO_CHAMPION, False)


def test_no_comparison_is_made_where_none_is_asked_for() -> None:
    evidence = make_evidence(comparison=make_comparison(-0.9, -0.8))
    verdict = champion.check(evidence, GatesSpec())
    assert (verdict.passed, verdict.reason) == (True, reasons.NOT_COMPARED)


@given(
    st.tuples(differences, differences).map(sorted),
    st.floats(0, 1),
    st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_is_monotonic(
    ends: list[float], shift: float, margins: list[float], improvements: list[float] | None
) -> None:
    low, high = ends
    least, most = improvements or (None, None)
    tight, loose = margins

    def passed(shift: float, margin: float, improvement: float | None) -> bool:
        comparison = make_comparison(low + shift, high + shift)
        return asked(comparison, margin=margin, min_improvement=improvement).passed

    strict = passed(0, tight, most)
    assert strict <= passed(shift, tight, most)
    assert strict <= passed(0, loose, most)
    assert strict <= passed(0, tight, least)
    assert strict <= passed(0, tight, None)
