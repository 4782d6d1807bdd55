"""A version that a train Job has registered, as check and promote Job find it."""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trainer_job import reasons
from trainer_job.contract import ModelSummary, RunDocument
from trainer_job.errors import BadConfiguration
from trainer_job.registry import figures, files, lookup
from trainer_job.registry.tracking import Tracking


@dataclass(frozen=True)
class Staged:
    """A version with what it says of itself.

    Attributes
    ----------
    model
        As the train Job summed it up.
    golden
        :func:`trainer_job.registry.golden.make`.
    profiles
        :func:`trainer_job.report.profiles`.
    """

    model: ModelSummary
    golden: dict[str, Any]
    profiles: dict[str, Any]


def find(tracking: Tracking, document: RunDocument, number: str, *, named: bool = False) -> Staged:
    """Return the version of this number, which the run itself must have made, if not `named`.

    Parameters
    ----------
    tracking, document
        The server, and the run.
    number
        Of the version.
    named
        Somebody named the version: any run may have made it, and it must be ready.

    Raises
    ------
    BadConfiguration
        If there is none, another run made it, or it is not ready.
    """
    name = document.model.registered_name
    version = tracking.find(lambda client: client.get_model_version(name, number))
    if version is None:
        raise _unusable(tracking, f"Version {number} of {name} does not exist")
    if named:
        return _ready(tracking, document, version)
    if version.tags.get(lookup.RUN_TAG) != document.run.uid:
        raise _unusable(tracking, f"Version {number} of {name} was made by another run")
    return _describe(tracking, document, version)


def _ready(tracking: Tracking, document: RunDocument, version: Any) -> Staged:
    what = f"Version {version.version} of {version.name}"
    if version.status != "READY":
        raise BadConfiguration(
            reasons.VERSION_NOT_READY,
            f"{what} is {version.status} on the MLflow server at {tracking.address} "
            "(spec.tracking.uri), not READY. Nothing was promoted. See that server's log, and name "
            "another version in spec.source.modelVersion.",
        )
    if lookup.RUN_TAG not in version.tags:
        raise _unusable(tracking, f"{what} was not made by this trainer")
    return _describe(tracking, document, version)


def _describe(tracking: Tracking, document: RunDocument, version: Any) -> Staged:
    run = tracking.ask(lambda client: client.get_run(version.run_id))
    return Staged(
        figures.read(document, version, run),
        golden=_read(tracking, version.run_id, files.GOLDEN),
        profiles=_read(tracking, version.run_id, files.PROFILES),
    )


def _unusable(tracking: Tracking, what: str) -> BadConfiguration:
    return BadConfiguration(
        reasons.VERSION_MISSING,
        f"{what}, on the MLflow server at {tracking.address} (spec.tracking.uri). Nothing was "
        "promoted. Apply a new run.",
    )


def _read(tracking: Tracking, run_id: str, name: str) -> dict[str, Any]:
    with TemporaryDirectory() as place:
        path = tracking.ask(lambda client: client.download_artifacts(run_id, name, place))
        document: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
        return document
