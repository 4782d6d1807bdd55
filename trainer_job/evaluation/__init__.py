"""Gates: pure policies, one a module, that judge a trained model."""

from trainer_job.contract import GatesSpec
from trainer_job.evaluation import f1, silhouette, unlabelled
from trainer_job.evaluation.matching import LabelMatch, match
from trainer_job.evaluation.verdict import Evidence, Verdict

__all__ = ["Evidence", "LabelMatch", "Verdict", "evaluate", "match"]

_GATES = (unlabelled.check, silhouette.check, f1.check)


def evaluate(evidence: Evidence, gates: GatesSpec) -> Verdict:
    """Ask every gate.

    Returns
    -------
    Verdict
        Failed with the first failed gate's reason and all failed gates' sentences, or passed
        with the last gate's reason and the sentences of those that measured something.
    """
    verdicts = [gate(evidence, gates) for gate in _GATES]
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if failed:
        return Verdict(False, failed[0].reason, " ".join(v.message for v in failed))
    return Verdict(True, verdicts[-1].reason, " ".join(v.message for v in verdicts[1:]))
