"""What the job answers: progress while it works, and one result."""

import json
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from trainer_job.contract.values import Model, Timestamp

RESULT_LIMIT = 4096
"""Bytes of UTF-8 that the kubelet keeps of a termination message; it cuts the rest silently."""


class Outcome(StrEnum):
    """The decision about a run's model."""

    PROMOTED = "Promoted"
    REJECTED = "Rejected"
    SKIPPED = "Skipped"
    STAGED = "Staged"
    AWAITING_APPROVAL = "AwaitingApproval"
    SUPERSEDED = "Superseded"
    ROLLED_BACK = "RolledBack"
    NOT_SERVING = "NotServing"


class Stage(StrEnum):
    """Where a run is; shown as progress while its Job runs."""

    READING = "Reading"
    FEATURES = "Features"
    CLUSTERING = "Clustering"
    EVALUATING = "Evaluating"
    REGISTERING = "Registering"
    PROVING = "Proving"
    PROMOTING = "Promoting"


class DataSummary(Model):
    """What was read, and what of it was used."""

    episodes: int
    """Episodes that the model was fitted on, or would have been."""
    readings: int
    """Their readings."""
    machines: int
    since: Timestamp
    until: Timestamp
    excluded: int = 0
    """Episodes of the window that lack a sensor which most others have."""
    held_out: int = 0
    """Episodes of the window that no version is fitted on, so that versions can be compared."""
    unusable: int = 0
    """Values in the readings that are no numbers, or none that can be measured."""
    fingerprint: str | None = None


class ModelSummary(Model):
    """What was registered."""

    name: str
    version: str
    run_id: str
    uri: str
    clusters: int
    silhouette: float | None = None
    silhouette_null: float | None = None
    """95th percentile of the silhouettes of the same pipeline on data without structure."""
    f1: float | None = None
    f1_on: Literal["Training", "Holdout"] | None = None
    """Which episodes the F1 was measured on."""

    def rounded(self) -> Self:
        """Return the same with scores as people read them: kubectl prints every digit."""
        names = ("silhouette", "silhouette_null", "f1")
        scores = {name: getattr(self, name) for name in names}
        shown = {
            name: score if score is None else round(score, 3) for name, score in scores.items()
        }
        return self.model_copy(update=shown)


class Comparison(Model):
    """How a model did against the champion on the held-out episodes."""

    measure: Literal["F1", "Separation"]
    """Macro F1 where enough are labelled, else the silhouette in one space for both."""
    episodes: int
    digest: str
    """SHA-256 of the ids of the episodes that were compared, shortened."""
    difference: float
    """The model's score minus the champion's."""
    low: float
    high: float
    """95 % interval of the difference, from resampled machine-days."""

    def rounded(self) -> Self:
        """Return the same as people read it: kubectl prints every digit."""
        scores = {name: round(getattr(self, name), 3) for name in ("difference", "low", "high")}
        return self.model_copy(update=scores)


class Champion(Model):
    """The version that was in service under the alias when the run decided."""

    version: str
    comparison: Comparison | None = None


class Decision(Model):
    """The outcome with its reason: a constant in CamelCase, and a sentence for people."""

    outcome: Outcome
    reason: str
    message: str
    champion: Champion | None = None


class Failure(Model):
    """Why no decision was reached."""

    reason: str
    message: str


class Result(Model):
    """What the job answers: a decision, or the failure that prevented one."""

    run: str
    """uid of the run."""
    data: DataSummary | None = None
    model: ModelSummary | None = None
    decision: Decision | None = None
    failure: Failure | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if (self.decision is None) == (self.failure is None):
            msg = "a result has either a decision or a failure"
            raise ValueError(msg)
        return self


class Progress(Model):
    """One line of progress."""

    stage: Stage
    percent: int = Field(ge=0, le=100)
    message: str = ""


def encode_result(result: Result, limit: int = RESULT_LIMIT) -> str:
    """Return the result as one line of JSON of at most `limit` bytes of UTF-8.

    Long sentences are shortened, the longest first, until the line fits: figures and names
    are never cut.

    Raises
    ------
    ValueError
        If the line does not fit even without its sentences.
    """
    document = result.to_json()
    sentences = [part for key in ("decision", "failure") if (part := document.get(key))]
    while len(line := _dumps(document).encode()) > limit:
        longest = max(sentences, key=lambda part: len(part["message"]))
        text = longest["message"]
        if len(text) <= 1:
            msg = f"the result takes {len(line)} bytes without its message, {limit} are kept"
            raise ValueError(msg)
        keep = max(len(text) - max(1, (len(line) - limit) // 4) - 1, 0)
        longest["message"] = text[:keep] + "…"
    return line.decode()


def decode_result(text: str) -> Result:
    """Read a result from a termination message or log line.

    Raises
    ------
    ValueError
        If `text` is not a whole result.
    """
    return Result.model_validate_json(text)


def progress_line(progress: Progress) -> str:
    """Return the log line that the operator finds progress in."""
    return _dumps({"progress": progress.to_json()})


def parse_progress(line: str) -> Progress | None:
    """Return the progress in a log line, None where there is none."""
    if not line.startswith('{"progress"'):
        return None
    try:
        return Progress.model_validate(json.loads(line)["progress"])
    except ValueError:
        return None


def _dumps(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
