"""Configuration from the environment: the old service's variables, and the run document."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError
from sqlalchemy import URL

from trainer_job import reasons
from trainer_job.contract import RUN_VARIABLE, RunDocument
from trainer_job.errors import BadConfiguration


@dataclass(frozen=True)
class DatabaseSettings:
    """Where the episodes are. The defaults are the replaced service's."""

    host: str = "localhost"
    port: int = 5432
    user: str = "sensor_user"
    password: str = field(default="sensor_password", repr=False)
    name: str = "sensor_data"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "DatabaseSettings":
        """Read the POSTGRES_* variables.

        Raises
        ------
        BadConfiguration
            If POSTGRES_PORT is no port.
        """
        default = cls()
        port = environ.get("POSTGRES_PORT") or str(default.port)
        if not (port.isdecimal() and len(port) < 6 and 0 < int(port) < 65536):
            raise BadConfiguration(
                reasons.INVALID_CONFIGURATION,
                f"POSTGRES_PORT is {port!r}; it must be a number from 1 to 65535.",
            )
        return cls(
            host=environ.get("POSTGRES_HOST") or default.host,
            port=int(port),
            user=environ.get("POSTGRES_USER") or default.user,
            password=environ.get("POSTGRES_PASSWORD") or default.password,
            name=environ.get("POSTGRES_DB") or default.name,
        )

    def url(self) -> URL:
        """Return SQLAlchemy's address of the database, with the password."""
        return URL.create(
            "postgresql+psycopg2", self.user, self.password, self.host, self.port, self.name
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.name}"


def read_document(environ: Mapping[str, str] = os.environ) -> RunDocument | None:
    """Return the run document of the environment, None where there is none.

    Raises
    ------
    BadConfiguration
        If it is not a valid run document; the message names each wrong field.
    """
    text = environ.get(RUN_VARIABLE)
    if not text:
        return None
    try:
        return RunDocument.model_validate_json(text)
    except ValidationError as error:
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION, f"{RUN_VARIABLE}: {explain(error)}"
        ) from None


def explain(error: ValidationError) -> str:
    """Return a validation error as one sentence, without the values."""
    parts = []
    for detail in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in detail["loc"]) or "the document"
        parts.append(f"{where}: {detail['msg']}")
    return "; ".join(parts) + "."
