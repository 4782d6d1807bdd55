import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.job.evaluation.builders import (
    make_comparison,
    make_continuity,
    make_evidence,
    make_labels,
    make_null,
)
from trainer_job import reasons
from trainer_job.contract import ChampionSpec, ContinuitySpec, GatesSpec
from trainer_job.evaluation import (
    Answer,
    Verdict,
    combine,
    evaluate,
    f1,
    judge,
    silhouette,
    unlabelled,
)

COMPARED = GatesSpec(champion=ChampionSpec())
scores = st.floats(-1, 1)
parts = st.floats(0, 1)


def test_f1_at_the_threshold_passes() -> None:
    verdict = f1.check(make_evidence(labels=make_labels(0.7)), GatesSpec())
    assert verdict.passed
    assert verdict.message == (
        "Macro F1 0.700 on 117 labelled held-out episodes (ARI 0.610, V-measure 0.640)."
    )


@pytest.mark.parametrize(
    ("gates", "step"),
    [
        (GatesSpec(), "set spec.gates.champion.fraction"),
        (COMPARED, "30 must be labelled, 5 a label"),
    ],
)
def test_f1_of_the_training_says_so_and_what_to_do(gates: GatesSpec, step: str) -> None:
    verdict = f1.check(make_evidence(labels=make_labels(on="Training")), gates)
    for words in ("117 labelled training episodes", step):
        assert words in verdict.message


def test_f1_below_it_says_by_how_much_and_what_to_try() -> None:
    verdict = f1.check(make_evidence(labels=make_labels(0.493)), GatesSpec())
    assert (verdict.passed, verdict.reason) == (False, reasons.F1_TOO_LOW)
    for words in ("0.493", "0.7 needed (spec.gates.minF1)", "spec.features.set"):
        assert words in verdict.message


def test_fewer_clusters_than_labels_say_what_can_be_reached() -> None:
    labels = make_labels(0.4, best_possible=0.62, labels=5)
    verdict = f1.check(make_evidence(labels=labels), GatesSpec())
    assert "at most 0.620 can be reached" in verdict.message
    assert "raise spec.model.clusters to 5" in verdict.message


def test_without_labels_f1_is_not_judged() -> None:
    verdict = f1.check(make_evidence(labels=None), GatesSpec())
    assert (verdict.passed, verdict.reason) == (True, reasons.F1_UNKNOWN)


@pytest.mark.parametrize(
    ("score", "passed", "reason"),
    [
        (0.2, True, reasons.SILHOUETTE_REACHED),
        (0.1999, False, reasons.SILHOUETTE_TOO_LOW),
        (None, True, reasons.SILHOUETTE_UNDEFINED),
    ],
)
def test_the_silhouette_must_reach_its_threshold(
    score: float | None, passed: bool, reason: str
) -> None:
    verdict = silhouette.check(make_evidence(silhouette=score), GatesSpec(min_silhouette=0.2))
    assert (verdict.passed, verdict.reason) == (passed, reason)


def test_whether_labels_are_needed_is_configured() -> None:
    nothing = make_evidence(labels=None)
    assert unlabelled.check(nothing, GatesSpec(unlabelled="Skip")).passed
    verdict = unlabelled.check(nothing, GatesSpec(unlabelled="Reject"))
    assert (verdict.passed, verdict.reason) == (False, reasons.UNLABELLED)
    labelled = make_evidence(labels=make_labels(0))
    assert unlabelled.check(labelled, GatesSpec(unlabelled="Reject")).passed


def test_a_model_that_passes_is_told_its_figures() -> None:
    verdict = evaluate(make_evidence(), COMPARED)
    assert (verdict.passed, verdict.reason) == (True, reasons.GATES_PASSED)
    for words in ("Silhouette 0.218", "Macro F1 0.820", "version 6", "is lost, split", "1 in 20"):
        assert words in verdict.message


def test_what_was_not_judged_is_not_told() -> None:
    nothing = {"champion": None, "comparison": None, "continuity": None}
    verdict = evaluate(make_evidence(**nothing), GatesSpec())
    for words in ("Labels are known", "No version", "comparison"):
        assert words not in verdict.message


def test_all_that_failed_is_told_at_once() -> None:
    gates = GatesSpec(min_silhouette=0.5)
    verdict = evaluate(make_evidence(silhouette=0.1, labels=make_labels(0.2)), gates)
    assert (verdict.passed, verdict.reason) == (False, reasons.SILHOUETTE_TOO_LOW)
    assert "spec.gates.minSilhouette" in verdict.message
    assert "spec.gates.minF1" in verdict.message
    assert "1 in 20" not in verdict.message


def test_what_is_wrong_with_the_model_itself_comes_first() -> None:
    spoiled = make_evidence(
        labels=make_labels(0),
        null=make_null(0.1),
        silhouette=-0.5,
        comparison=make_comparison(-0.5, -0.4),
        continuity=make_continuity(lost=(4,)),
    )
    gates = GatesSpec(champion=ChampionSpec(), continuity=ContinuitySpec(lost="Reject"))
    assert [verdict.reason for verdict in judge(spoiled, gates) if not verdict.passed] == [
        reasons.NO_STRUCTURE,
        reasons.SILHOUETTE_TOO_LOW,
        reasons.F1_TOO_LOW,
        reasons.WORSE_THAN_CHAMPION,
        reasons.MODES_LOST,
    ]


def test_people_are_asked_only_about_what_did_not_fail() -> None:
    asked, failed = Verdict(Answer.MANUAL, "A", "Ask."), Verdict(Answer.FAILED, "F", "No.")
    passed = Verdict(Answer.PASSED, "P", "Yes.")
    assert combine([passed, asked, passed]) == Verdict(Answer.MANUAL, "A", "Ask.")
    assert combine([asked, failed]) == Verdict(Answer.FAILED, "F", "No.")
    assert not combine([asked]).passed


@given(scores, scores, scores)
def test_silhouettes_are_monotonic(score: float, other: float, threshold: float) -> None:
    low, high = sorted([score, other])

    def passed(score: float, threshold: float) -> bool:
        gates = GatesSpec(min_silhouette=threshold)
        return silhouette.check(make_evidence(silhouette=score), gates).passed

    assert passed(low, threshold) <= passed(high, threshold)
    assert passed(threshold, high) <= passed(threshold, low)


@given(parts, parts, parts)
def test_f1_is_monotonic(score: float, other: float, threshold: float) -> None:
    low, high = sorted([score, other])

    def passed(score: float, threshold: float) -> bool:
        evidence = make_evidence(labels=make_labels(score))
        return f1.check(evidence, GatesSpec(min_f1=threshold)).passed

    assert passed(low, threshold) <= passed(high, threshold)
    assert passed(threshold, high) <= passed(threshold, low)
