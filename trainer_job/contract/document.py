"""What the operator tells the job: everything but credentials."""

from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from trainer_job.contract.values import Duration, Model, Timestamp

DEFAULT_MODEL_NAME = "sensor_failure_clustering"
"""Registered name that the replaced service used, and the only one its tables can carry."""

DEFAULT_LOOKBACK = timedelta(hours=1)
"""The window's length where none is given, as in the replaced service."""

DEFAULT_CLUSTERS = 3
"""Number of clusters where neither a number nor a range is given, as in the replaced service."""


class ExtendUntil(Model):
    """How far back a window that holds too few episodes is widened."""

    episodes: int = Field(ge=1, le=1_000_000)
    """Number of episodes that are wanted."""
    at_most: Duration
    """Length that the whole window has at most."""


class DataSpec(Model):
    """Which episodes: those that started in the window and are closed.

    The window is [asOf - lookback, asOf), or [since, until) where those are given; `extend_until`
    moves its start back. `rebuild` computes the features of all episodes anew, also of those that
    are kept from earlier runs.
    """

    lookback: Duration | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    machines: tuple[str, ...] = ()
    min_episodes: int = Field(default=10, ge=1)
    extend_until: ExtendUntil | None = None
    rebuild: bool = False

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

    set: Literal["basic", "seed", "robust", "logged", "dynamics", "catch22"] = "basic"


class ClusterRange(Model):
    """Numbers of clusters to choose from. With `min` 1, one cluster is an acceptable answer."""

    min: int = Field(default=2, ge=1, le=100)
    max: int = Field(default=8, ge=2, le=100)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            msg = "min must not be above max"
            raise ValueError(msg)
        return self


class ModelSpec(Model):
    """The algorithm, its parameters and the registered name.

    The number of clusters is `clusters`, or chosen from `cluster_range`; with neither it is 3.
    """

    algorithm: Literal["kmeans", "wardKMeans", "bisectingKMeans", "gaussianMixture"] = "kmeans"
    clusters: int | None = Field(default=None, ge=1, le=100)
    cluster_range: ClusterRange | None = None
    seed: int = Field(default=42, ge=0, le=2**32 - 1)
    registered_name: str = Field(default=DEFAULT_MODEL_NAME, pattern=r"^[A-Za-z0-9_. -]{1,200}$")

    @model_validator(mode="after")
    def _one_number(self) -> Self:
        if self.clusters is not None and self.cluster_range is not None:
            msg = "give either clusters or clusterRange, not both"
            raise ValueError(msg)
        return self

    @property
    def number(self) -> int:
        """Number of clusters where no range is given."""
        return DEFAULT_CLUSTERS if self.clusters is None else self.clusters


class ChampionSpec(Model):
    """How a model is compared with the version in service, on episodes that neither was fitted on.

    `fraction` of the machine-days is held out of every training under the registered name; the
    held-out episodes that closed within `lookback` before asOf are what is compared.
    """

    lookback: Duration = timedelta(days=30)
    fraction: float = Field(default=0.2, ge=0.01, le=0.5)
    margin: float = Field(default=0.05, ge=0.0, le=1.0)
    """A model is rejected that is surely worse by more than this."""
    min_improvement: float | None = Field(default=None, ge=0.0, le=1.0)
    """A model is rejected that is not surely better by more than this."""
    inconclusive: Literal["Promote", "Reject", "Manual"] = "Promote"


class ContinuitySpec(Model):
    """What happens where a failure mode of the version in service is lost, split or merged."""

    lost: Literal["Report", "Reject", "Manual"] = "Report"


class GatesSpec(Model):
    """What a model must reach to be put in service."""

    min_silhouette: float = Field(default=0.0, ge=-1.0, le=1.0)
    min_f1: float = Field(default=0.7, ge=0.0, le=1.0, alias="minF1")
    unlabelled: Literal["Skip", "Reject"] = "Skip"
    structure: Literal["Require", "Report"] = "Require"
    champion: ChampionSpec | None = None
    continuity: ContinuitySpec = ContinuitySpec()
    unchanged_data: Literal["Skip", "Train"] = "Skip"


class PromotionSpec(Model):
    """What happens to a model that passed."""

    policy: Literal["Automatic", "Manual", "Never"] = "Automatic"
    """Manual waits for somebody's word, which never reaches the train Job: it leaves it staged."""
    alias: str = Field(default="production", pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,99}$")


class RunIdentity(Model):
    """The TrainingRun, or the direct run, that the job works for."""

    name: str = Field(min_length=1)
    namespace: str | None = None
    uid: str = Field(min_length=1, max_length=64)


class CheckTask(Model):
    """What the check Job looks up: that the version exists, is ready, and of the run's name."""

    version: str = Field(pattern=r"^[0-9]+$")


class PromoteTask(Model):
    """What the promote Job proves and commits.

    Without `url` nobody is asked: where no predictor is to be, or none of its pods runs.
    """

    version: str = Field(pattern=r"^[0-9]+$")
    url: str | None = None
    """Base URL of the predictor Service, e.g. ``http://sensor-predictor.plant.svc:8080``."""
    outcome: Literal["Promoted", "NotServing"] | None = None
    """What is decided; Promoted if None."""
    explicit: bool | None = None
    """Somebody named the version: it may be older than what was promoted before."""
    expected: str | None = Field(default=None, pattern=r"^[0-9]+$")
    """Version that must still be in service where `explicit`; None where none was."""

    @model_validator(mode="after")
    def _not_asked(self) -> Self:
        if self.outcome == "NotServing" and self.url is not None:
            msg = "what does not serve cannot be asked: give no url with NotServing"
            raise ValueError(msg)
        if self.expected is not None and not self.explicit:
            msg = "expected goes with explicit"
            raise ValueError(msg)
        return self


class RunDocument(Model):
    """The job's whole configuration but for credentials.

    `staged` says that somebody else puts the model in service after the train Job; without it
    the train Job promotes what passed. `check`, `promote` and `recall` are set for the Jobs of
    these names alone; the latter answers what the run's record says, and does nothing else.

    What was added since the first release is None where it is not used, and then not written:
    a run keeps its image, and an older one refuses a field that it does not know.
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
    check: CheckTask | None = None
    promote: PromoteTask | None = None
    recall: bool | None = None

    @model_validator(mode="after")
    def _one_task(self) -> Self:
        if (self.check is not None) + (self.promote is not None) + bool(self.recall) > 1:
            msg = "give at most one of check, promote and recall"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _somebody_waits(self) -> Self:
        if self.promotion.policy == "Manual" and not self.staged:
            msg = "the policy Manual needs staged: the job itself cannot wait for anybody's word"
            raise ValueError(msg)
        return self
