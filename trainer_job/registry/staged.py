"""A version that a train Job has registered, as the promote Job finds it."""

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


def find(tracking: Tracking, document: RunDocument, number: str) -> Staged:
    """Return the version of this number, which the run itself must have made.

    Raises
    ------
    BadConfiguration
        If there is none, or another run made it.
    """
    name = document.model.registered_name
    version = tracking.find(lambda client: client.get_model_version(name, number))
    if version is None or version.tags.get(lookup.RUN_TAG) != document.run.uid:
        what = "does not exist" if version is None else "was made by another run"
        raise BadConfiguration(
            reasons.VERSION_MISSING,
            f"Version {number} of {name} {what}, on the MLflow server at {tracking.address} "
            "(spec.tracking.uri). Nothing was promoted. Apply a new run.",
        )
    run = tracking.ask(lambda client: client.get_run(version.run_id))
    return Staged(
        figures.read(document, version, run),
        golden=_read(tracking, version.run_id, files.GOLDEN),
        profiles=_read(tracking, version.run_id, files.PROFILES),
    )


def _read(tracking: Tracking, run_id: str, name: str) -> dict[str, Any]:
    with TemporaryDirectory() as place:
        path = tracking.ask(lambda client: client.download_artifacts(run_id, name, place))
        document: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
        return document
