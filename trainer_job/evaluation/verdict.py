"""What a gate answers."""

from dataclasses import dataclass

from trainer_job.evaluation.matching import LabelMatch


@dataclass(frozen=True)
class Evidence:
    """What the gates judge."""

    silhouette: float | None
    match: LabelMatch | None


@dataclass(frozen=True)
class Verdict:
    """Whether a gate lets the model through, with a reason and a sentence."""

    passed: bool
    reason: str
    message: str
