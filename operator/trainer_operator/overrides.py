"""What a run may add to the pods of its Jobs: spec.job beyond image and resources.

The names of the fields are those of a pod wherever a pod has the same. What keeps the pods
within the restricted Pod Security Standard is not among them.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trainer_job.contract import Model

ObjectName = Annotated[str, Field(min_length=1, max_length=253)]
Quantity = str | int


class KeyReference(Model):
    """A key of a Secret or ConfigMap of the run's namespace."""

    name: ObjectName
    key: str = Field(min_length=1, max_length=253)
    optional: bool = False


class VariableSource(Model):
    """Where the value of a variable is read: one of the two."""

    secret_key_ref: KeyReference | None = None
    config_map_key_ref: KeyReference | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        _exactly_one(self, "secretKeyRef", "configMapKeyRef")
        return self


class Variable(Model):
    """An environment variable of the container, with its value or where that is read."""

    name: str = Field(min_length=1, max_length=253)
    value: str | None = None
    value_from: VariableSource | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        _exactly_one(self, "value", "valueFrom")
        return self


class EnvironmentReference(Model):
    """A Secret or ConfigMap whose keys become variables."""

    name: ObjectName
    optional: bool = False


class EnvironmentSource(Model):
    """All keys of a Secret or of a ConfigMap as variables; what the operator sets stays."""

    prefix: str | None = None
    secret_ref: EnvironmentReference | None = None
    config_map_ref: EnvironmentReference | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        _exactly_one(self, "secretRef", "configMapRef")
        return self


class ConfigMapVolume(Model):
    """The files of a ConfigMap."""

    name: ObjectName
    optional: bool = False


class SecretVolume(Model):
    """The files of a Secret."""

    secret_name: ObjectName
    optional: bool = False


class ClaimVolume(Model):
    """The volume of a PersistentVolumeClaim."""

    claim_name: ObjectName


class EmptyVolume(Model):
    """An empty folder that lives as long as the pod."""

    medium: Literal["", "Memory"] = ""
    size_limit: Quantity | None = None


class Volume(Model):
    """A volume and its place in the container: one of the four kinds."""

    name: str = Field(min_length=1, max_length=63)
    mount_path: str = Field(min_length=2, max_length=512)
    sub_path: str | None = None
    read_only: bool = True
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    persistent_volume_claim: ClaimVolume | None = None
    empty_dir: EmptyVolume | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        _exactly_one(self, "configMap", "secret", "persistentVolumeClaim", "emptyDir")
        return self


class Toleration(Model):
    """A taint that the pods may be placed in spite of."""

    key: str | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class PullSecret(Model):
    """A Secret of the run's namespace to pull the image with."""

    name: ObjectName


def _exactly_one(model: Model, *names: str) -> None:
    """Say which fields exclude each other; the API server has refused such a run before."""
    given = [name for name in names if name in model.to_json()]
    if len(given) != 1:
        msg = f"give exactly one of {', '.join(names)}"
        raise ValueError(msg)
