"""Gate: where labels are known, the clusters must match them."""

from trainer_job import reasons
from trainer_job.contract import GatesSpec
from trainer_job.evaluation.verdict import Evidence, Verdict


def check(evidence: Evidence, gates: GatesSpec) -> Verdict:
    """Pass if macro F1 reaches `minF1`, or no episode has a label."""
    match = evidence.match
    if match is None:
        return Verdict(True, reasons.F1_UNKNOWN, "No episode has a label, F1 was not judged.")
    known = f"on {match.episodes} labelled episodes"
    if match.f1 >= gates.min_f1:
        return Verdict(True, reasons.F1_REACHED, f"Macro F1 {match.f1:.3f} {known}.")
    message = f"Macro F1 {match.f1:.3f} {known}, {gates.min_f1:g} needed (spec.gates.minF1)."
    if match.best_possible < 1:
        message += (
            f" With fewer clusters than the {match.labels} labels, at most "
            f"{match.best_possible:.3f} can be reached: raise spec.model.clusters to "
            f"{match.labels}."
        )
    else:
        message += " Try another spec.features.set or spec.model.clusters."
    return Verdict(False, reasons.F1_TOO_LOW, message)
