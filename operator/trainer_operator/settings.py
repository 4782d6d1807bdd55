"""What the chart configures: defaults of a run, and how the operator itself runs."""

import json
import os
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from trainer_job.contract import Duration, Model
from trainer_operator.errors import SettingsError
from trainer_operator.models import Deadline, PullPolicy, Resources
from trainer_operator.overrides import ObjectName

PREFIX = "TRAINER_"


class Settings(Model):
    """The operator's settings; each field is the variable TRAINER_<FIELD> in capitals."""

    job_image: str = Field(min_length=1)
    namespaces: tuple[str, ...] = ()
    """Namespaces whose runs are served; all if empty."""
    job_image_pull_policy: PullPolicy = "IfNotPresent"
    job_resources: Resources = Resources()
    database_secret: ObjectName = "trainer-database"  # noqa: S105 - a name
    tracking_uri: str = Field(default="http://mlflow:5000", min_length=1)
    tracking_experiment: str = Field(default="sensor_failure_clustering", min_length=1)
    tracking_secret: str | None = None
    active_deadline: Deadline = Field(default="1h", validate_default=True)
    rollout_timeout: Deadline = Field(default="5m", validate_default=True)
    start_timeout: Deadline = Field(default="5m", validate_default=True)
    """How long a pod may fail to start (no image, no Secret, no room) before the run fails."""
    max_concurrent_runs: int | None = Field(default=None, ge=1)
    """Admitted, unfinished runs that a namespace may have; those above it wait. None: any."""
    resync: Deadline = Field(default="30s", validate_default=True)
    """How often everything is looked at, whatever the watches told."""
    lease: str | None = Field(default=None, pattern=r"^[a-z0-9-]+/[a-z0-9.-]+$")
    """Namespace and name of the Lease by which one of several operators works; None: this one."""
    identity: str | None = None
    """The operator's name in the Lease; that of its host by default."""
    lease_duration: Deadline = Field(default="15s", validate_default=True)
    """After how long the next one takes over from an operator that is not heard."""
    liveness_port: int = Field(default=8080, ge=0, le=65535)
    """Port of /healthz, /readyz and /metrics; 0 for none."""
    log_format: Literal["json", "text"] = "json"
    poll: Duration = Field(default="5s", validate_default=True)
    """How soon a run that goes on is looked at again without an event: for its log, and limits."""
    settle: Duration = Field(default="1s", validate_default=True)
    """How long a state lasts before it is worth a write: a run may be past it by then."""

    @field_validator("namespaces", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("job_resources", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the TRAINER_* variables; an empty one counts as not set.

        Raises
        ------
        SettingsError
            If a variable is missing or wrong; the message names each.
        """
        given: dict[str, Any] = {
            name: value for name in cls.model_fields if (value := environ.get(_variable(name)))
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = [
                f"{_variable(str(detail['loc'][0]))}: {detail['msg']}"
                for detail in error.errors(include_url=False)
            ]
            raise SettingsError("; ".join(problems)) from None


def _variable(field: str) -> str:
    # pydantic names the field by its alias where it is missing.
    snake = "".join(f"_{letter}" if letter.isupper() else letter for letter in field)
    return PREFIX + snake.upper()
