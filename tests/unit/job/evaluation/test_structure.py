import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.job.evaluation.builders import make_evidence, make_null
from trainer_job import reasons
from trainer_job.contract import GatesSpec
from trainer_job.evaluation import Answer, structure

REQUIRED, REPORTED = GatesSpec(structure="Require"), GatesSpec(structure="Report")
scores = st.floats(-1, 1)


def test_clusters_beyond_chance_pass() -> None:
    verdict = structure.check(make_evidence(null=make_null(0.31, 0.2)), REQUIRED)
    assert (verdict.passed, verdict.reason) == (True, reasons.STRUCTURE_FOUND)
    assert "silhouette 0.310, of data without structure 1 in 20 reaches 0.200" in verdict.message


def test_what_chance_reaches_is_no_structure() -> None:
    verdict = structure.check(make_evidence(null=make_null(0.2, 0.2)), REQUIRED)
    assert (verdict.answer, verdict.reason) == (Answer.FAILED, reasons.NO_STRUCTURE)
    assert "silhouette 0.200" in verdict.message
    assert "spec.gates.structure: Report" in verdict.message


@pytest.mark.parametrize(
    ("sizes", "passed"),
    [((5, 3), True), ((5, 2), False), ((296, 4), False), ((294, 6), True), ((50, 50, 1), False)],
)
def test_no_cluster_is_below_three_or_two_percent(sizes: tuple[int, ...], passed: bool) -> None:
    verdict = structure.check(make_evidence(sizes=sizes), REQUIRED)
    assert verdict.passed is passed
    assert passed or f"{min(sizes)} of {sum(sizes)} episodes" in verdict.message


def test_all_that_is_wrong_is_told() -> None:
    verdict = structure.check(make_evidence(sizes=(9, 1), null=make_null(0.1, 0.2)), REQUIRED)
    assert "1 of 10 episodes, 3 are needed and silhouette 0.100" in verdict.message


def test_it_may_be_reported_only() -> None:
    verdict = structure.check(make_evidence(null=make_null(0.1, 0.2)), REPORTED)
    assert (verdict.passed, verdict.reason) == (True, reasons.NO_STRUCTURE)
    assert "because spec.gates.structure is Report" in verdict.message


@pytest.mark.parametrize(
    ("allowed", "answer", "reason"),
    [
        (True, Answer.PASSED, reasons.ONE_MODE),
        (False, Answer.FAILED, reasons.NO_STRUCTURE),
    ],
)
def test_one_cluster_is_an_answer_where_it_may_be(
    allowed: bool, answer: Answer, reason: str
) -> None:
    one = make_evidence(silhouette=None, null=None, sizes=(40,), one_allowed=allowed)
    verdict = structure.check(one, REQUIRED)
    assert (verdict.answer, verdict.reason) == (answer, reason)
    assert "40 episodes" in verdict.message or "all episodes form one cluster" in verdict.message


def test_more_clusters_need_structure_also_where_one_is_allowed() -> None:
    evidence = make_evidence(null=make_null(0.1, 0.2), one_allowed=True)
    assert not structure.check(evidence, REQUIRED).passed


def test_without_a_silhouette_there_is_no_structure() -> None:
    verdict = structure.check(make_evidence(null=None), REQUIRED)
    assert "the silhouette is undefined" in verdict.message
    assert verdict.answer is Answer.FAILED


@given(scores, scores, scores, st.lists(st.integers(1, 60), min_size=2, max_size=5))
def test_is_monotonic(one: float, other: float, band: float, sizes: list[int]) -> None:
    low, high = sorted([one, other])

    def passed(observed: float, p95: float) -> bool:
        evidence = make_evidence(null=make_null(observed, p95), sizes=tuple(sizes))
        verdict = structure.check(evidence, REQUIRED)
        assert verdict.passed <= structure.check(evidence, REPORTED).passed
        return verdict.passed

    assert passed(low, band) <= passed(high, band)
    assert passed(band, high) <= passed(band, low)
