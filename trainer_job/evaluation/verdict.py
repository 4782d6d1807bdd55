"""What a gate is asked, and what it answers."""

from dataclasses import dataclass
from enum import StrEnum

from trainer_job.clustering.structure import NullBand
from trainer_job.continuity import Continuity
from trainer_job.contract import Comparison
from trainer_job.evaluation.comparison import Inconclusive
from trainer_job.evaluation.labels import LabelScore


@dataclass(frozen=True)
class Evidence:
    """What the gates judge.

    Attributes
    ----------
    silhouette
        Of the model's own episodes; None where it is undefined.
    sizes
        Number of episodes in each cluster.
    labels
        How the clusters agree with human labels; None where no such label is known.
    null
        Silhouettes of the same procedure on data without structure; None where undefined.
    one_allowed
        Whether a single cluster is an acceptable answer.
    champion
        The version in service under the alias; None where there is none.
    comparison
        How the model did against that version; None where the two were not compared.
    continuity
        What became of that version's failure modes, or why it cannot be told; None where there
        is no such version.
    """

    silhouette: float | None
    sizes: tuple[int, ...]
    labels: LabelScore | None = None
    null: NullBand | None = None
    one_allowed: bool = False
    champion: str | None = None
    comparison: Comparison | Inconclusive | None = None
    continuity: Continuity | Inconclusive | None = None


class Answer(StrEnum):
    """What a gate says: let it through, do not, or ask somebody."""

    PASSED = "Passed"
    MANUAL = "Manual"
    FAILED = "Failed"


@dataclass(frozen=True)
class Verdict:
    """A gate's answer with a reason and a sentence.

    Attributes
    ----------
    answer
        What the gate says.
    reason
        A constant of :mod:`trainer_job.reasons`.
    message
        A sentence for people.
    measured
        Whether the gate had anything to judge: a sentence that says that it had not is of no
        interest to who reads that the model passed.
    """

    answer: Answer
    reason: str
    message: str
    measured: bool = True

    @property
    def passed(self) -> bool:
        """Whether the gate lets the model through by itself."""
        return self.answer is Answer.PASSED
