"""One MLflow run and one model version for each run, however often an attempt dies.

MLflow's creates do not deduplicate, so what they would create is looked up before by the run's
uid, and again after: one is kept, the rest deleted. A version is created last: where there is
one, its run is complete. What it shows may still be of an attempt that judged otherwise, because
labels were given since; then that is written anew.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow.entities import RunStatus, RunTag

from trainer_job.contract import Decision, ModelSummary, RunDocument
from trainer_job.registry import figures, files, lookup, runs, versions
from trainer_job.registry.tracking import Tracking, experiment_id
from trainer_job.registry.uploading import upload
from trainer_job.trained import TrainedModel


def register(
    tracking: Tracking,
    document: RunDocument,
    trained: TrainedModel,
    decision: Decision,
    database: str,
) -> ModelSummary:
    """Log and register a model, or find what an earlier attempt has registered.

    The caller holds the run's lock.

    Parameters
    ----------
    tracking
        The server.
    document, trained
        The run and its model.
    decision
        What the gates said; MLflow run and version carry it as a tag.
    database
        Where the episodes were read, without credentials.

    Raises
    ------
    Unavailable
        If the server does not answer in time; the next attempt goes on from what is there.
    BadConfiguration
        If it refuses.
    """
    experiment = runs.experiment(tracking)
    found = lookup.runs(tracking, experiment, document)
    # A version has a run: where there is none, there is nothing to look for.
    registered = lookup.versions(tracking, document) if found else []
    if registered:
        version = versions.keep_oldest(tracking, registered)
        runs.delete(tracking, found, but=version.run_id)
        if version.tags.get(lookup.FIGURES_TAG) != figures.digest(document, trained, decision):
            _correct(tracking, document, trained, decision, version, database)
    else:
        run = _one_run(tracking, experiment, document, trained, decision, found)
        _show(tracking, document, trained, decision, run, database)
        _upload(tracking, document, trained, decision, run.info.run_id)
        _finish(tracking, run.info.run_id)
        version = _create_version(tracking, document, trained, decision, run)
        # An attempt that lost its lock may have created one meanwhile.
        runs.delete(tracking, lookup.runs(tracking, experiment, document), but=version.run_id)
    versions.wait_ready(tracking, version)
    return figures.summary(document, version, trained)


def tag_decision(tracking: Tracking, model: ModelSummary, decision: Decision) -> None:
    """Write what became of a version onto it and its run."""
    told = figures.description(decision, experiment_id(tracking), model.run_id)
    tag = {lookup.DECISION_TAG: decision.outcome.value}
    versions.describe(tracking, model.name, model.version, tag, told)
    tags = [RunTag(*tag) for tag in figures.decided(decision).items()]
    tracking.ask(lambda client: client.log_batch(model.run_id, tags=tags))


def _one_run(
    tracking: Tracking,
    experiment: str,
    document: RunDocument,
    trained: TrainedModel,
    decision: Decision,
    found: list[Any],
) -> Any:
    """Return the oldest run that can be completed; all others are deleted."""
    params = figures.params(document, trained)
    usable = [run for run in found if not runs.contradicts(run, params)]
    kept = usable[0].info.run_id if usable else None
    runs.delete(tracking, found, but=kept)
    if usable:
        return usable[0]
    return runs.create(tracking, experiment, document, figures.tags(document, trained, decision))


def _show(
    tracking: Tracking,
    document: RunDocument,
    trained: TrainedModel,
    decision: Decision,
    run: Any,
    database: str,
) -> None:
    """Bring what MLflow shows of a run up to date; of a new one that is all of it."""
    # The run's own moment and not the clock's: what is logged again is then the same again.
    moment = int(document.as_of.timestamp() * 1000)
    metrics = runs.outdated(tracking, run, figures.metrics(trained), moment)
    params, tags = figures.params(document, trained), figures.tags(document, trained, decision)
    runs.log(tracking, run, metrics, params, tags)
    if data := figures.dataset(document, trained, database):
        tracking.ask(lambda client: client.log_inputs(run.info.run_id, datasets=[data]))


def _correct(
    tracking: Tracking,
    document: RunDocument,
    trained: TrainedModel,
    decision: Decision,
    version: Any,
    database: str,
) -> None:
    """Write anew what an earlier attempt said of a version; what it serves stays as it is."""
    run = tracking.ask(lambda client: client.get_run(version.run_id))
    _show(tracking, document, trained, decision, run, database)
    _upload(tracking, document, trained, decision, version.run_id, but=files.SERVED)
    told = figures.description(decision, run.info.experiment_id, version.run_id)
    # The digest is the last of them: it says that all the others are there.
    tags = figures.version_tags(document, trained, decision)
    versions.describe(tracking, version.name, str(version.version), tags, told)


def _upload(
    tracking: Tracking,
    document: RunDocument,
    trained: TrainedModel,
    decision: Decision,
    run_id: str,
    but: tuple[str, ...] = (),
) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place, "files")
        folder.mkdir()
        files.write(folder, document, trained, decision)
        for name in but:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        upload(tracking, run_id, folder)


def _finish(tracking: Tracking, run_id: str) -> None:
    finished = RunStatus.to_string(RunStatus.FINISHED)
    tracking.ask(lambda client: client.set_terminated(run_id, finished))


def _create_version(
    tracking: Tracking,
    document: RunDocument,
    trained: TrainedModel,
    decision: Decision,
    run: Any,
) -> Any:
    source = f"{run.info.artifact_uri}/{files.MODEL}"
    tags = figures.version_tags(document, trained, decision)
    told = figures.description(decision, run.info.experiment_id, run.info.run_id)
    return versions.create(tracking, document, source, run.info.run_id, tags, told)
