"""What the operator tells the job: everything but credentials."""

from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from trainer_job.contract.values import Duration, Model, Timestamp

DEFAULT_MODEL_NAME = "sensor_failure_clustering"
"""Registered name that the replaced service used, and the only one its tables can carry."""

DEFAULT_LOOKBACK = timedelta(hours=1)
"""The window's length where none is given, as in the replaced service."""


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
