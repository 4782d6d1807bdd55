"""Gate: the clusters must be more than chance makes of data without any."""

from trainer_job import reasons
from trainer_job.clustering.sizes import size_floor
from trainer_job.clustering.structure import NullBand
from trainer_job.contract import GatesSpec
from trainer_job.evaluation.verdict import Answer, Evidence, Verdict

_WHAT_NEXT = (
    "Widen spec.source.data.lookback, try another spec.features.set or number of clusters, or "
    "let it pass with spec.gates.structure: Report."
)


def check(evidence: Evidence, gates: GatesSpec) -> Verdict:
    """Pass if there is structure, or `structure` is Report.

    There is structure where the silhouette exceeds the 95th percentile of data without any, and
    no cluster is so small that chance may have made it. One cluster needs none, where it is an
    acceptable answer.
    """
    if len(evidence.sizes) == 1 and evidence.one_allowed:
        (size,) = evidence.sizes
        message = f"All {size} episodes are one failure mode."
        if size == 1:
            message = "The one episode is a failure mode of its own."
        return Verdict(Answer.PASSED, reasons.ONE_MODE, message)
    faults = [*_small(evidence.sizes), *_chance(evidence)]
    if evidence.null is not None and not faults:
        message = f"The clusters stand out: {_band(evidence.null)}."
        return Verdict(Answer.PASSED, reasons.STRUCTURE_FOUND, message)
    told = f"No structure: {' and '.join(faults)}."
    if gates.structure == "Report":
        told += " It passes because spec.gates.structure is Report."
        return Verdict(Answer.PASSED, reasons.NO_STRUCTURE, told)
    return Verdict(Answer.FAILED, reasons.NO_STRUCTURE, f"{told} {_WHAT_NEXT}")


def _small(sizes: tuple[int, ...]) -> list[str]:
    floor = size_floor(sum(sizes))
    smallest = min(sizes)
    if smallest >= floor:
        return []
    return [f"the smallest cluster has {smallest} of {sum(sizes)} episodes, {floor} are needed"]


def _chance(evidence: Evidence) -> list[str]:
    if len(evidence.sizes) == 1:
        return ["all episodes form one cluster"]
    if evidence.null is None:
        return ["the silhouette is undefined"]
    if evidence.null.exceeded:
        return []
    return [f"{_band(evidence.null)} at least"]


def _band(null: NullBand) -> str:
    return (
        f"silhouette {null.observed:.3f}, of data without structure 1 in 20 reaches {null.p95:.3f}"
    )
