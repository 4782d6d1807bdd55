"""Gates: pure policies, one a module, that judge a trained model."""

from collections.abc import Sequence

from trainer_job import reasons
from trainer_job.contract import GatesSpec
from trainer_job.evaluation import champion, continuity, f1, silhouette, structure, unlabelled
from trainer_job.evaluation.comparison import (
    Assignment,
    HeldOut,
    Inconclusive,
    compare,
)
from trainer_job.evaluation.labels import LabelScore, score_labels
from trainer_job.evaluation.matching import LabelMatch, match
from trainer_job.evaluation.verdict import Answer, Evidence, Verdict

__all__ = [
    "Answer",
    "Assignment",
    "Evidence",
    "HeldOut",
    "Inconclusive",
    "LabelMatch",
    "LabelScore",
    "Verdict",
    "combine",
    "compare",
    "evaluate",
    "judge",
    "match",
    "score_labels",
]

# What is wrong with the model itself comes first, then what it is in comparison with another.
_GATES = (
    unlabelled.check,
    structure.check,
    silhouette.check,
    f1.check,
    champion.check,
    continuity.check,
)


def evaluate(evidence: Evidence, gates: GatesSpec) -> Verdict:
    """Ask every gate and combine what they say."""
    return combine(judge(evidence, gates))


def judge(evidence: Evidence, gates: GatesSpec) -> tuple[Verdict, ...]:
    """Ask every gate: labels at all, structure, silhouette, F1, champion, continuity."""
    return tuple(gate(evidence, gates) for gate in _GATES)


def combine(verdicts: Sequence[Verdict]) -> Verdict:
    """Return one verdict for all.

    Returns
    -------
    Verdict
        Failed where a gate failed, else Manual where one leaves it to people, each with the
        reason of the first such gate and the sentences of all such gates; else passed, with the
        sentences of those that measured something.
    """
    for answer in (Answer.FAILED, Answer.MANUAL):
        found = [verdict for verdict in verdicts if verdict.answer is answer]
        if found:
            return Verdict(answer, found[0].reason, " ".join(v.message for v in found))
    told = " ".join(verdict.message for verdict in verdicts if verdict.measured)
    return Verdict(Answer.PASSED, reasons.GATES_PASSED, told)
