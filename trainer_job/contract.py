"""What the operator and the job share: configuration in, result out, exit codes.

The operator writes one JSON document (:class:`RunDocument`) into the environment variable
``TRAINER_RUN`` of the Job; the job answers with one JSON document (:class:`Result`) in its
termination message and as the last line of its log. Nothing else passes between the two, so
this module imports nothing but pydantic and the standard library.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

RUN_VARIABLE = "TRAINER_RUN"
"""Environment variable that carries the :class:`RunDocument` into the pod."""

TERMINATION_LOG = "/dev/termination-log"
"""File whose content the kubelet copies into the status of the ended container."""

RESULT_LIMIT = 4096
"""Bytes of UTF-8 that the kubelet keeps of a termination message; it cuts the rest silently."""

DATABASE_VARIABLES = (
    "POSTGRES_HOST",
    "POSTGRES_PORT",
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
    "POSTGRES_DB",
)
"""Keys of the database Secret, and the variables that they become."""

TRACKING_VARIABLES = (
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
"""Keys of the tracking Secret, each optional, and the variables that they become."""

DEFAULT_MODEL_NAME = "sensor_failure_clustering"
"""Registered name that the replaced service used, and the only one its tables can carry."""

DEFAULT_LOOKBACK = timedelta(hours=1)
"""The window's length where none is given, as in the replaced service."""


class ExitCode(IntEnum):
    """How a job's process ends; the operator's podFailurePolicy reads these."""

    DECIDED = 0
    """Promoted, staged, rejected or skipped: the result says which."""
    BAD_CONFIGURATION = 64
    """Nothing that a retry could mend: a wrong value, name or password."""
    UNUSABLE_DATA = 65
    """The data cannot be used as it is; a retry would read the same."""
    UNAVAILABLE = 69
    """A service did not answer; counts against the retry limit."""
    INTERNAL = 70
    """A fault of the program; counts against the retry limit."""


PERMANENT_EXIT_CODES = (ExitCode.BAD_CONFIGURATION, ExitCode.UNUSABLE_DATA)


class Outcome(StrEnum):
    """The decision about a run's model."""

    PROMOTED = "Promoted"
    REJECTED = "Rejected"
    SKIPPED = "Skipped"
    STAGED = "Staged"
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


_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"^([0-9]+(ms|s|m|h|d))+$")
DURATION_PATTERN = _DURATION.pattern
"""The CRD uses the same pattern: ``format: duration`` would take "1 day" and refuse 7d."""


def parse_duration(text: str) -> timedelta:
    """Turn ``1h30m`` into a timedelta.

    Parameters
    ----------
    text
        One or more numbers, each with a unit of ms, s, m, h or d.

    Raises
    ------
    ValueError
        If `text` is not of that form, or longer than a timedelta can hold.
    """
    if not _DURATION.fullmatch(text):
        msg = f"{text!r} is not a duration; write numbers with units ms, s, m, h, d, as in 1h30m"
        raise ValueError(msg)
    parts = re.findall(r"([0-9]+)(ms|s|m|h|d)", text)
    try:
        total = sum(int(number) * _MILLISECONDS[unit] for number, unit in parts)
        return timedelta(milliseconds=total)
    except (OverflowError, ValueError):  # ValueError: Python reads no number of 4,301 digits
        msg = f"{text[:40]!r} is longer than can be counted; 36500d is a hundred years"
        raise ValueError(msg) from None


def format_duration(duration: timedelta) -> str:
    """Write a timedelta as ``1h30m``, the inverse of :func:`parse_duration`."""
    rest = round(duration / timedelta(milliseconds=1))
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def _duration_in(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def format_timestamp(value: datetime) -> str:
    """Write a time as RFC 3339 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration_in),
    PlainSerializer(format_duration, return_type=str),
]
Timestamp = Annotated[
    AwareDatetime,
    AfterValidator(_to_utc),
    PlainSerializer(format_timestamp, return_type=str),
]


class Model(BaseModel):
    """Base of all documents: frozen, camelCase outside, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        protected_namespaces=(),
    )

    def to_json(self) -> dict[str, Any]:
        """Return the document as JSON-able values, without the fields that are None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class DataSpec(Model):
    """Which episodes: those that started in the window and are closed.

    The window is [asOf - lookback, asOf), or [since, until) where those are given.
    """

    lookback: Duration | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    machines: tuple[str, ...] = ()
    min_episodes: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        if (self.since is None) != (self.until is None):
            msg = "since and until belong together: give both or neither"
            raise ValueError(msg)
        if self.since is not None and self.lookback is not None:
            msg = "give either lookback or since and until, not both"
            raise ValueError(msg)
        if self.since is not None and self.until is not None and self.since >= self.until:
            msg = "since must be before until"
            raise ValueError(msg)
        return self

    @property
    def reach(self) -> timedelta:
        """How far the window looks back where `since` is not given."""
        return DEFAULT_LOOKBACK if self.lookback is None else self.lookback

    def window(self, as_of: datetime) -> tuple[datetime, datetime]:
        """Return the half-open window [since, until) at `as_of`."""
        if self.since is not None and self.until is not None:
            return self.since, min(self.until, as_of)
        try:
            return as_of - self.reach, as_of
        except OverflowError:  # before the year 1
            return datetime.min.replace(tzinfo=UTC), as_of


class TrackingSpec(Model):
    """The MLflow server and experiment that a run writes to."""

    uri: str = Field(min_length=1)
    experiment: str = Field(default="sensor_failure_clustering", min_length=1)


class FeaturesSpec(Model):
    """How an episode's readings become one row of numbers."""

    set: Literal["basic", "robust"] = "basic"


class ModelSpec(Model):
    """The algorithm, its parameters and the registered name."""

    algorithm: Literal["kmeans"] = "kmeans"
    clusters: int = Field(default=3, ge=1, le=100)
    seed: int = Field(default=42, ge=0, le=2**32 - 1)
    registered_name: str = Field(default=DEFAULT_MODEL_NAME, pattern=r"^[A-Za-z0-9_. -]{1,200}$")


class GatesSpec(Model):
    """What a model must reach to be put in service."""

    min_silhouette: float = Field(default=0.0, ge=-1.0, le=1.0)
    min_f1: float = Field(default=0.7, ge=0.0, le=1.0, alias="minF1")
    unlabelled: Literal["Skip", "Reject"] = "Skip"


class PromotionSpec(Model):
    """What happens to a model that passed."""

    policy: Literal["Automatic", "Never"] = "Automatic"
    alias: str = Field(default="production", pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,99}$")


class RunIdentity(Model):
    """The TrainingRun, or the direct run, that the job works for."""

    name: str = Field(min_length=1)
    namespace: str | None = None
    uid: str = Field(min_length=1, max_length=64)


class PromoteTask(Model):
    """What the promote Job proves and commits."""

    version: str = Field(pattern=r"^[0-9]+$")
    url: str
    """Base URL of the predictor Service, e.g. ``http://sensor-predictor.plant.svc:8080``."""


class RunDocument(Model):
    """The job's whole configuration but for credentials.

    `staged` says that somebody else puts the model in service after the train Job; without it
    the train Job promotes what passed. `promote` is set for the promote Job alone.
    """

    run: RunIdentity
    as_of: Timestamp
    data: DataSpec = DataSpec()
    tracking: TrackingSpec
    features: FeaturesSpec = FeaturesSpec()
    model: ModelSpec = ModelSpec()
    gates: GatesSpec = GatesSpec()
    promotion: PromotionSpec = PromotionSpec()
    staged: bool = False
    promote: PromoteTask | None = None


class DataSummary(Model):
    """What was read."""

    episodes: int
    readings: int
    machines: int
    since: Timestamp
    until: Timestamp
    fingerprint: str | None = None


class ModelSummary(Model):
    """What was registered."""

    name: str
    version: str
    run_id: str
    uri: str
    clusters: int
    silhouette: float | None = None
    f1: float | None = None

    def rounded(self) -> Self:
        """Return the same with scores as people read them: kubectl prints every digit."""
        scores = {"silhouette": self.silhouette, "f1": self.f1}
        shown = {
            name: score if score is None else round(score, 3) for name, score in scores.items()
        }
        return self.model_copy(update=shown)


class Champion(Model):
    """The version that was in service under the alias when the run decided."""

    version: str


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
