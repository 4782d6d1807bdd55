"""Gate: where labels are known, the clusters must match them."""

from trainer_job import reasons
from trainer_job.contract import GatesSpec
from trainer_job.evaluation.labels import FEWEST_A_LABEL, FEWEST_LABELLED, LabelScore
from trainer_job.evaluation.verdict import Answer, Evidence, Verdict


def check(evidence: Evidence, gates: GatesSpec) -> Verdict:
    """Pass if macro F1 reaches `minF1`, or no episode has a label."""
    score = evidence.labels
    if score is None:
        message = "No episode of the training has a label, F1 was not judged."
        return Verdict(Answer.PASSED, reasons.F1_UNKNOWN, message)
    measured = f"Macro F1 {score.f1:.3f} on {score.episodes} {_which(score, gates)}"
    if score.f1 >= gates.min_f1:
        return Verdict(Answer.PASSED, reasons.F1_REACHED, f"{measured}.")
    message = f"{measured}; {gates.min_f1:g} needed (spec.gates.minF1)."
    if score.best_possible < 1:
        message += (
            f" With fewer clusters than the {score.labels} labels, at most "
            f"{score.best_possible:.3f} can be reached: raise spec.model.clusters to "
            f"{score.labels}."
        )
    else:
        message += " Try another spec.features.set or spec.model.clusters."
    return Verdict(Answer.FAILED, reasons.F1_TOO_LOW, message)


def _which(score: LabelScore, gates: GatesSpec) -> str:
    beside = f"ARI {score.ari:.3f}, V-measure {score.v_measure:.3f}"
    if score.on == "Holdout":
        return f"labelled held-out episodes ({beside})"
    if gates.champion is None:
        needed = "to hold episodes out and score those, set spec.gates.champion.fraction"
    else:
        needed = (
            f"to score held-out ones, {FEWEST_LABELLED} must be labelled, {FEWEST_A_LABEL} a label"
        )
    return f"labelled training episodes ({beside}; {needed})"
