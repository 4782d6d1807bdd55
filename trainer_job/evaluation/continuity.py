"""Gate: what happens where a failure mode of the version in service is lost."""

from trainer_job import reasons
from trainer_job.continuity import Continuity
from trainer_job.contract import GatesSpec
from trainer_job.evaluation.comparison import Inconclusive
from trainer_job.evaluation.verdict import Answer, Evidence, Verdict

_FATES = {"lost": "is lost", "split": "is split", "merged": "is merged with another"}


def check(evidence: Evidence, gates: GatesSpec) -> Verdict:
    """Pass if every mode that still occurs goes on, or `lost` is Report."""
    found = evidence.continuity
    if found is None:
        message = "No version is in service whose failure modes could go on."
        return Verdict(Answer.PASSED, reasons.NO_CHAMPION, message, measured=False)
    whose = "" if evidence.champion is None else f" of version {evidence.champion}"
    if isinstance(found, Inconclusive):
        return _unknown(found, whose, gates)
    gone = _gone(found)
    if not gone:
        message = f"No failure mode{whose} that still occurs is lost, split or merged."
        return Verdict(Answer.PASSED, reasons.MODES_GO_ON, message)
    told = f"Of the failure modes{whose}, {', '.join(gone)}"
    match gates.continuity.lost:
        case "Report":
            return Verdict(Answer.PASSED, reasons.MODES_LOST, f"{told}.")
        case "Manual":
            message = f"{told}: left to people (spec.gates.continuity.lost is Manual)."
            return Verdict(Answer.MANUAL, reasons.MODES_LOST, message)
    message = (
        f"{told} (spec.gates.continuity.lost is Reject). Raise spec.model.clusters, or set it to "
        "Report where the new modes are better."
    )
    return Verdict(Answer.FAILED, reasons.MODES_LOST, message)


def _unknown(found: Inconclusive, whose: str, gates: GatesSpec) -> Verdict:
    told = f"Whether the failure modes{whose} go on cannot be told: {found.because}"
    if gates.continuity.lost == "Report":
        return Verdict(Answer.PASSED, reasons.INCONCLUSIVE, f"{told}.")
    what = f"left to people (spec.gates.continuity.lost is {gates.continuity.lost})"
    return Verdict(Answer.MANUAL, reasons.INCONCLUSIVE, f"{told}; {what}.")


def _gone(found: Continuity) -> list[str]:
    return [
        f"mode {mode} ({found.episodes[mode]} recent episodes) {words}"
        for fate, words in _FATES.items()
        for mode in getattr(found, fate)
    ]
