"""Gate: the clusters must be apart by what the spec asks, beside being apart at all."""

from trainer_job import reasons
from trainer_job.contract import GatesSpec
from trainer_job.evaluation.verdict import Answer, Evidence, Verdict

_UNDEFINED = "There is no silhouette of one cluster, nor of as many clusters as episodes."


def check(evidence: Evidence, gates: GatesSpec) -> Verdict:
    """Pass if the silhouette reaches `minSilhouette`, or is undefined."""
    score = evidence.silhouette
    if score is None:
        return Verdict(Answer.PASSED, reasons.SILHOUETTE_UNDEFINED, _UNDEFINED)
    if score >= gates.min_silhouette:
        return Verdict(Answer.PASSED, reasons.SILHOUETTE_REACHED, f"Silhouette {score:.3f}.")
    return Verdict(
        Answer.FAILED,
        reasons.SILHOUETTE_TOO_LOW,
        f"Silhouette {score:.3f}, {gates.min_silhouette:g} needed "
        "(spec.gates.minSilhouette): the clusters overlap. Try another spec.model.clusters or "
        "spec.features.set.",
    )
