"""What a run left in MLflow: found by version, id or uid, and fetched."""

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trainer_job import reasons
from trainer_job.artifacts import REPORT
from trainer_job.errors import BadConfiguration
from trainer_job.registry import lookup
from trainer_job.registry.tracking import Tracking

_VERSION = re.compile(r"[0-9]{1,9}")
"""Form of a version's number; a larger one would not fit the registry's database."""

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_UID = re.compile(r"[A-Za-z0-9-]{1,64}")


def fetch_report(tracking: Tracking, wanted: str, name: str, output: Path | None) -> str:
    """Copy the report of a run into a file, and say where it is.

    Parameters
    ----------
    tracking
        The server.
    wanted
        Version of `name`, id of an MLflow run, or uid of a TrainingRun.
    name
        Registered name.
    output
        The file; by default one in the working directory, named after `wanted`.

    Raises
    ------
    BadConfiguration
        If there is no such run, it has no report, or the file cannot be written.
    """
    found = find_run(tracking, wanted, name)
    output = output or Path(f"report-{wanted}.html")
    with TemporaryDirectory() as place:
        file = download(tracking, found, REPORT, Path(place))
        if file is None:
            raise BadConfiguration(
                reasons.NO_REPORT,
                f"MLflow run {found} on the server at {tracking.address} has no {REPORT}: it ended "
                "before its model was registered, or was made by an earlier version of the "
                "trainer. Open the run in MLflow to see what it has.",
            )
        write(output, file)
    return f"Report of MLflow run {found}: {output.resolve()}"


def write(output: Path, file: Path) -> None:
    """Copy a file to where somebody wants it.

    Raises
    ------
    BadConfiguration
        If it cannot be written.
    """
    try:
        shutil.copyfile(file, output)
    except OSError as error:
        raise unwritable(output, error) from None


def unwritable(output: Path, error: OSError) -> BadConfiguration:
    """Return that a file cannot be written."""
    return BadConfiguration(
        reasons.INVALID_CONFIGURATION,
        f"File {output} cannot be written: {error.strerror}. Name another with --output FILE.",
    )


def find_run(tracking: Tracking, wanted: str, name: str) -> str:
    """Return the id of an MLflow run.

    Raises
    ------
    BadConfiguration
        If no run is meant by `wanted`.
    """
    if _VERSION.fullmatch(wanted):
        return str(find_version(tracking, name, wanted).run_id)
    if _RUN_ID.fullmatch(wanted) and tracking.find(lambda client: client.get_run(wanted)):
        return wanted
    if _UID.fullmatch(wanted):
        carries = f"tags.`{lookup.RUN_TAG}` = '{wanted}'"
        versions = tracking.ask(lambda client: list(client.search_model_versions(carries)))
        if versions:
            return str(min(versions, key=lambda version: int(version.version)).run_id)
    raise BadConfiguration(
        reasons.RUN_MISSING,
        f"The MLflow server at {tracking.address} (spec.tracking.uri) knows no run {wanted!r}. "
        "Give the id of an MLflow run, the uid of a TrainingRun that registered a model, or the "
        f"number of a version of {name} (spec.model.registeredName).",
    )


def find_version(tracking: Tracking, name: str, number: str) -> Any:
    """Return a model version.

    Raises
    ------
    BadConfiguration
        If there is none.
    """
    found = tracking.find(lambda client: client.get_model_version(name, number))
    if found is None:
        raise BadConfiguration(
            reasons.VERSION_MISSING,
            f"There is no version {number} of {name} on the MLflow server at {tracking.address} "
            "(spec.tracking.uri). Check the number, and the name (spec.model.registeredName).",
        )
    return found


def download(tracking: Tracking, run_id: str, artifact: str, folder: Path) -> Path | None:
    """Return an artifact of a run as a file in a folder, None where the run has none."""
    names = tracking.ask(lambda client: [file.path for file in client.list_artifacts(run_id)])
    if artifact not in names:
        return None
    path = tracking.ask(lambda client: client.download_artifacts(run_id, artifact, str(folder)))
    return Path(path)
