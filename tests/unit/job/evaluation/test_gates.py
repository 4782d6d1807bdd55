import pytest

from trainer_job import reasons
from trainer_job.contract import GatesSpec
from trainer_job.evaluation import Evidence, LabelMatch, evaluate, f1, silhouette, unlabelled


def labelled(score: float, best: float = 1.0, labels: int = 3) -> LabelMatch:
    return LabelMatch(f1=score, best_possible=best, names={}, labels=labels, episodes=117)


def test_f1_at_the_threshold_passes() -> None:
    verdict = f1.check(Evidence(None, labelled(0.7)), GatesSpec())
    assert verdict.passed
    assert verdict.message == "Macro F1 0.700 on 117 labelled episodes."


def test_f1_below_it_says_by_how_much_and_what_to_try() -> None:
    verdict = f1.check(Evidence(None, labelled(0.493)), GatesSpec())
    assert (verdict.passed, verdict.reason) == (False, reasons.F1_TOO_LOW)
    for words in ("0.493", "0.7 needed (spec.gates.minF1)", "spec.features.set"):
        assert words in verdict.message


def test_fewer_clusters_than_labels_say_what_can_be_reached() -> None:
    verdict = f1.check(Evidence(None, labelled(0.4, best=0.62, labels=5)), GatesSpec())
    assert "at most 0.620 can be reached" in verdict.message
    assert "raise spec.model.clusters to 5" in verdict.message


def test_without_labels_f1_is_not_judged() -> None:
    verdict = f1.check(Evidence(0.5, None), GatesSpec())
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
    verdict = silhouette.check(Evidence(score, None), GatesSpec(min_silhouette=0.2))
    assert (verdict.passed, verdict.reason) == (passed, reason)


def test_whether_labels_are_needed_is_configured() -> None:
    nothing = Evidence(0.5, None)
    assert unlabelled.check(nothing, GatesSpec(unlabelled="Skip")).passed
    verdict = unlabelled.check(nothing, GatesSpec(unlabelled="Reject"))
    assert (verdict.passed, verdict.reason) == (False, reasons.UNLABELLED)
    assert unlabelled.check(Evidence(0.5, labelled(0)), GatesSpec(unlabelled="Reject")).passed


def test_a_model_that_passes_is_told_its_figures() -> None:
    verdict = evaluate(Evidence(0.218, labelled(0.82)), GatesSpec())
    assert verdict.passed
    assert verdict.message == "Silhouette 0.218. Macro F1 0.820 on 117 labelled episodes."


def test_all_that_failed_is_told_at_once() -> None:
    gates = GatesSpec(min_silhouette=0.5)
    verdict = evaluate(Evidence(0.1, labelled(0.2)), gates)
    assert (verdict.passed, verdict.reason) == (False, reasons.SILHOUETTE_TOO_LOW)
    assert "spec.gates.minSilhouette" in verdict.message
    assert "spec.gates.minF1" in verdict.message
    assert "Labels are known" not in verdict.message
