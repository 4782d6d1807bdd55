"""The TrainingRun as typed, frozen documents: what the CRD's schema says, in Python.

The CRD in deploy/crds is canonical; a test holds it against these models. Parts that the job
reads too are the contract's own models, so a field has one definition.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from trainer_job.contract import (
    DataSpec,
    DataSummary,
    Decision,
    Duration,
    FeaturesSpec,
    GatesSpec,
    Model,
    ModelSpec,
    ModelSummary,
    Progress,
    PromotionSpec,
    Timestamp,
    TrackingSpec,
)
from trainer_operator import constants
from trainer_operator.overrides import (
    EnvironmentSource,
    ObjectName,
    PullSecret,
    Quantity,
    Toleration,
    Variable,
    Volume,
)


def _positive(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        msg = "must be at least 1s"
        raise ValueError(msg)
    return value


Deadline = Annotated[Duration, AfterValidator(_positive)]
"""A duration of at least a second: Kubernetes counts deadlines in whole seconds."""
Version = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")]
"""A version of a registered model, as MLflow counts them."""
PullPolicy = Literal["Always", "IfNotPresent", "Never"]
Quantities = dict[str, Quantity]


class SecretReference(Model):
    """A Secret of the run's namespace."""

    name: ObjectName


class ConfigMapReference(Model):
    """A file in a ConfigMap of the run's namespace."""

    name: ObjectName
    key: str = Field(default="data_sensors.csv", min_length=1, max_length=253)


class RunPromotionSpec(PromotionSpec):
    """What happens to a model that passed, and the word of whoever approves of it."""

    approved_version: Version | None = None


class SourceSpec(Model):
    """Where a model comes from: the episodes of the database, or a version that exists."""

    data: DataSpec | None = None
    model_version: Version | None = None
    """Nothing is trained: this version of `model.registered_name` is put in service."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.data is None) == (self.model_version is None):
            msg = "give either data or modelVersion"
            raise ValueError(msg)
        return self


class DatabaseSpec(Model):
    """The Secret whose keys are the POSTGRES_* variables."""

    secret_ref: SecretReference | None = None


class TrackingReference(Model):
    """The MLflow server; what is left out comes from the operator's settings."""

    uri: str | None = Field(default=None, min_length=1)
    experiment: str | None = Field(default=None, min_length=1)
    secret_ref: SecretReference | None = None


class ReferenceSpec(Model):
    """The file with labelled patterns, from which failure modes get their names."""

    config_map_ref: ConfigMapReference


class PredictorSpec(Model):
    """The Deployment that serves the model, and the Service that it is asked through."""

    deployment: ObjectName
    service: ObjectName | None = None
    """The Deployment's name if None."""
    port: int = Field(default=8080, ge=1, le=65535)
    timeout: Deadline | None = None
    """How long a rollout may take, proof included; the operator's setting if None."""


class Resources(Model):
    """Compute resources of the job's container, as Kubernetes writes them."""

    limits: Quantities = Field(default_factory=dict)
    requests: Quantities = Field(default_factory=dict)


class JobSpec(Model):
    """How the run's pods look; what is left out comes from the operator's settings."""

    image: str | None = Field(default=None, min_length=1)
    image_pull_policy: PullPolicy | None = None
    image_pull_secrets: tuple[PullSecret, ...] = Field(default_factory=tuple)
    resources: Resources | None = None
    env: tuple[Variable, ...] = Field(default_factory=tuple)
    env_from: tuple[EnvironmentSource, ...] = Field(default_factory=tuple)
    volumes: tuple[Volume, ...] = Field(default_factory=tuple)
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = Field(default_factory=tuple)
    service_account_name: ObjectName | None = None
    priority_class_name: ObjectName | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    """Of the Job and its pods, beside those of the operator."""


class RetrySpec(Model):
    """How often the Job tries again after the first attempt."""

    limit: int = Field(default=3, ge=0, le=100)


class TrainingRunSpec(Model):
    """What a TrainingRun asks for. Everything has a default."""

    source: SourceSpec = SourceSpec(data=DataSpec())
    database: DatabaseSpec = DatabaseSpec()
    tracking: TrackingReference = TrackingReference()
    features: FeaturesSpec = FeaturesSpec()
    model: ModelSpec = ModelSpec()
    reference: ReferenceSpec | None = None
    gates: GatesSpec = GatesSpec()
    promotion: RunPromotionSpec = RunPromotionSpec()
    predictor: PredictorSpec | None = None
    job: JobSpec = JobSpec()
    retry: RetrySpec = RetrySpec()
    active_deadline: Deadline | None = None
    suspend: bool = False
    ttl_after_finished: Deadline | None = None
    """How long after its end the run is deleted; never if None."""


class Phase(StrEnum):
    """Where a run is, for people and for the operator's own steps."""

    QUEUED = "Queued"
    SUSPENDED = "Suspended"
    PENDING = "Pending"
    RUNNING = "Running"
    ROLLING_OUT = "RollingOut"
    AWAITING_APPROVAL = "AwaitingApproval"
    PROMOTING = "Promoting"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"

    @property
    def finished(self) -> bool:
        """Say whether nothing will happen any more."""
        return self in {Phase.SUCCEEDED, Phase.FAILED}

    @property
    def resting(self) -> bool:
        """Say whether nothing happens until somebody changes the spec: no tool should wait."""
        return self in {Phase.SUSPENDED, Phase.AWAITING_APPROVAL}


class StatusModel(Model):
    """Base of what the operator wrote, and may read back from another release of itself."""

    model_config = ConfigDict(extra="ignore")


class Condition(StatusModel):
    """One observation, in the form that GitOps tools read."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""
    observed_generation: int
    last_transition_time: Timestamp


class EffectiveTracking(TrackingSpec):
    """The MLflow server that the run uses."""

    secret_ref: SecretReference | None = None


class Effective(StatusModel):
    """What the run uses, with the operator's defaults as they were when it was admitted."""

    image: str
    image_pull_policy: PullPolicy
    resources: Resources
    database: SecretReference
    tracking: EffectiveTracking
    active_deadline: Duration
    rollout_timeout: Duration


class JobStatus(StatusModel):
    """The Job that trains, or that checks the version which `source.modelVersion` names."""

    name: str
    uid: str | None = None
    """A Job that was made anew has the same name, and another uid."""


class Rollout(StatusModel):
    """A version on its way into service."""

    deployment: str
    from_version: str | None = None
    to_version: str
    start_time: Timestamp | None = None
    """When the version was first seen on the Deployment, with the run's claim."""
    replicas: int = 0
    ready: int = 0
    """Pods of the new version that are ready."""


class TrainingRunStatus(StatusModel):
    """What the operator knows of a run.

    asOf, startTime, effective, rollout.fromVersion and a finished phase are records: written
    before their consequence and never undone. The rest is observed anew at each look.
    """

    observed_generation: int = -1
    phase: Phase | None = None
    conditions: tuple[Condition, ...] = ()
    as_of: Timestamp | None = None
    start_time: Timestamp | None = None
    completion_time: Timestamp | None = None
    attempts: int | None = None
    message: str | None = None
    effective: Effective | None = None
    job: JobStatus | None = None
    progress: Progress | None = None
    data: DataSummary | None = None
    model: ModelSummary | None = None
    decision: Decision | None = None
    rollout: Rollout | None = None


class TrainingRun(StatusModel):
    """One run as it was read: its identity, spec and status."""

    name: str
    namespace: str
    uid: str
    generation: int
    resource_version: str
    created: Timestamp
    labels: dict[str, str] = Field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    deleting: bool = False
    spec: TrainingRunSpec = TrainingRunSpec()
    invalid: str | None = None
    """What is wrong with a spec that the API server let through; `spec` is empty then."""
    status: TrainingRunStatus = TrainingRunStatus()

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> "TrainingRun":
        """View a TrainingRun as the API server returns it."""
        meta = raw["metadata"]
        invalid, spec = None, TrainingRunSpec()
        try:
            spec = TrainingRunSpec.model_validate(raw.get("spec") or {})
        except ValidationError as error:
            invalid = _explain(error)
        return cls(
            name=meta["name"],
            namespace=meta["namespace"],
            uid=meta["uid"],
            generation=meta.get("generation", 1),
            resource_version=meta["resourceVersion"],
            created=meta["creationTimestamp"],
            labels=meta.get("labels") or {},
            finalizers=tuple(meta.get("finalizers") or ()),
            deleting="deletionTimestamp" in meta,
            spec=spec,
            invalid=invalid,
            status=TrainingRunStatus.model_validate(raw.get("status") or {}),
        )

    @property
    def rolls_out(self) -> bool:
        """Say whether a model that passes goes into service through a Deployment."""
        return self.spec.predictor is not None and self.spec.promotion.policy != "Never"

    @property
    def held(self) -> bool:
        """Say whether its deletion waits until its rollout is settled."""
        return constants.FINALIZER in self.finalizers

    @property
    def kueue_queue(self) -> str | None:
        """Queue of Kueue that its Jobs go through, which then decides when they start."""
        return self._label(constants.KUEUE_QUEUE)

    @property
    def kueue_priority(self) -> str | None:
        """Priority that its Jobs have in that queue."""
        return self._label(constants.KUEUE_PRIORITY)

    def _label(self, key: str) -> str | None:
        return self.spec.job.labels.get(key) or self.labels.get(key) or None


def _explain(error: ValidationError) -> str:
    problems = []
    for detail in error.errors(include_url=False, include_input=False):
        field = ".".join(["spec", *(str(part) for part in detail["loc"])])
        problems.append(f"{field}: {detail['msg'].removeprefix('Value error, ')}")
    return "; ".join(problems) + "."
