"""Gate: whether a model without any known label may pass."""

from trainer_job import reasons
from trainer_job.contract import GatesSpec
from trainer_job.evaluation.verdict import Evidence, Verdict


def check(evidence: Evidence, gates: GatesSpec) -> Verdict:
    """Pass if there are labels, or `unlabelled` is Skip."""
    if evidence.match is not None:
        return Verdict(True, reasons.LABELLED, "Labels are known.")
    if gates.unlabelled == "Skip":
        return Verdict(True, reasons.UNLABELLED_ALLOWED, "No labels are needed.")
    return Verdict(
        False,
        reasons.UNLABELLED,
        "No episode of the window has a label, and spec.gates.unlabelled is Reject. Label "
        "episodes in trainer.episode_labels, or set it to Skip.",
    )
