"""Gate: whether a model without any known label may pass."""

from trainer_job import reasons
from trainer_job.contract import GatesSpec
from trainer_job.evaluation.verdict import Answer, Evidence, Verdict


def check(evidence: Evidence, gates: GatesSpec) -> Verdict:
    """Pass if there are labels, or `unlabelled` is Skip."""
    if evidence.labels is not None:
        return Verdict(Answer.PASSED, reasons.LABELLED, "Labels are known.", measured=False)
    if gates.unlabelled == "Skip":
        return Verdict(
            Answer.PASSED, reasons.UNLABELLED_ALLOWED, "No labels are needed.", measured=False
        )
    return Verdict(
        Answer.FAILED,
        reasons.UNLABELLED,
        "No episode that the model was fitted on has a label given by people, and "
        "spec.gates.unlabelled is Reject. Label episodes in trainer.episode_labels, or set it to "
        "Skip.",
    )
