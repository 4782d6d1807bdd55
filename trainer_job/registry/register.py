"""One MLflow run and one model version for each run, however often an attempt dies.

MLflow's creates do not deduplicate, so what they would create is looked up before by the run's
uid, and again after: the oldest is kept, the rest deleted. A version is created last: where
there is one, its run is complete.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow.entities import Metric, Param, RunStatus, RunTag

from trainer_job import reasons
from trainer_job.contract import Decision, ModelSummary, RunDocument
from trainer_job.errors import BadConfiguration, Unavailable
from trainer_job.registry import files, lookup
from trainer_job.registry.tracking import NotFound, Tracking, experiment_id
from trainer_job.trained import TrainedModel

VERSION_WAIT = 30.0
"""Seconds for which a server may prepare a version."""


def register(
    tracking: Tracking, document: RunDocument, trained: TrainedModel, decision: Decision
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

    Raises
    ------
    Unavailable
        If the server does not answer in time; the next attempt goes on from what is there.
    BadConfiguration
        If it refuses.
    """
    found = lookup.versions(tracking, document)
    if found:
        version = _keep_oldest_version(tracking, found)
        _delete_other_runs(tracking, document, version.run_id)
    else:
        run = _one_run(tracking, document, decision)
        _log_figures(tracking, document, trained, run.info.run_id)
        with TemporaryDirectory() as place:
            files.write(Path(place), trained, decision)
            tracking.ask(lambda client: client.log_artifacts(run.info.run_id, place))
        finished = RunStatus.to_string(RunStatus.FINISHED)
        tracking.ask(lambda client: client.set_terminated(run.info.run_id, finished))
        version = _one_version(tracking, document, decision, run)
    _wait_ready(tracking, version)
    match = trained.match
    return ModelSummary(
        name=version.name,
        version=str(version.version),
        run_id=version.run_id,
        uri=f"models:/{version.name}/{version.version}",
        clusters=document.model.clusters,
        silhouette=trained.clustering.silhouette,
        f1=None if match is None else match.f1,
    )


def tag_decision(tracking: Tracking, model: ModelSummary, decision: Decision) -> None:
    """Write what became of a version onto it and its run."""
    key, value = lookup.DECISION_TAG, decision.outcome.value
    tracking.ask(lambda client: client.set_model_version_tag(model.name, model.version, key, value))
    tracking.ask(lambda client: client.log_batch(model.run_id, tags=[RunTag(key, value)]))


def _one_run(tracking: Tracking, document: RunDocument, decision: Decision) -> Any:
    experiment = _experiment(tracking)
    tags = _tags(document, decision)
    kept, *rest = _found_or_created(
        lambda: lookup.runs(tracking, experiment, document),
        lambda: tracking.once(
            lambda client: client.create_run(experiment, tags=tags, run_name=document.run.name)
        ),
    )
    _delete_runs(tracking, rest)
    return kept


def _one_version(tracking: Tracking, document: RunDocument, decision: Decision, run: Any) -> Any:
    name = document.model.registered_name
    tags = _tags(document, decision)
    source = f"{run.info.artifact_uri}/{files.MODEL}"

    def create_version(client: Any) -> None:
        client.create_model_version(name, source, run.info.run_id, tags, await_creation_for=0)

    def create() -> None:
        try:
            tracking.once(create_version)
        except NotFound:
            _create_registered_model(tracking, name)
            tracking.once(create_version)

    found = _found_or_created(lambda: lookup.versions(tracking, document), create)
    return _keep_oldest_version(tracking, found)


def _found_or_created(find: Callable[[], list[Any]], create: Callable[[], object]) -> list[Any]:
    """Return what there is, the oldest first; created where there is nothing.

    A create whose reply was lost counts as done if what it made is found.
    """
    if found := find():
        return found
    lost: Unavailable | None = None
    try:
        create()
    except Unavailable as error:
        lost = error
    if found := find():
        return found
    raise lost or Unavailable(
        reasons.TRACKING_UNAVAILABLE,
        "The MLflow server does not show what it has just created. The next attempt looks again.",
    )


def _keep_oldest_version(tracking: Tracking, found: list[Any]) -> Any:
    kept, *rest = found
    for extra in rest:
        _delete_version(tracking, extra)
    return kept


def _delete_other_runs(tracking: Tracking, document: RunDocument, run_id: str) -> None:
    experiment = experiment_id(tracking)
    if experiment is not None:
        runs = lookup.runs(tracking, experiment, document)
        _delete_runs(tracking, [run for run in runs if run.info.run_id != run_id])


def _delete_runs(tracking: Tracking, runs: list[Any]) -> None:
    for run in runs:
        _delete_run(tracking, run.info.run_id)


def _delete_run(tracking: Tracking, run_id: str) -> None:
    tracking.find(lambda client: client.delete_run(run_id))


def _delete_version(tracking: Tracking, version: Any) -> None:
    tracking.find(lambda client: client.delete_model_version(version.name, version.version))


def _experiment(tracking: Tracking) -> str:
    if found := experiment_id(tracking):
        return found
    name = tracking.spec.experiment
    try:
        return str(tracking.once(lambda client: client.create_experiment(name)))
    except (BadConfiguration, Unavailable):
        # Its name is unique: another run may have made it meanwhile, or the reply was lost.
        if found := experiment_id(tracking):
            return found
        raise


def _create_registered_model(tracking: Tracking, name: str) -> None:
    try:
        tracking.once(lambda client: client.create_registered_model(name))
    except (BadConfiguration, Unavailable):
        if tracking.find(lambda client: client.get_registered_model(name)) is None:
            raise


def _log_figures(
    tracking: Tracking, document: RunDocument, trained: TrainedModel, run_id: str
) -> None:
    match = trained.match
    params = {
        "n_clusters": document.model.clusters,
        "n_failures": trained.data.episodes,
        "training_lookback_hours": trained.lookback_hours,
        "feature_set": trained.feature_set,
        "algorithm": document.model.algorithm,
        "seed": document.model.seed,
    }
    scores = {
        "silhouette_score": trained.clustering.silhouette,
        "macro_f1": None if match is None else match.f1,
    }
    # The run's own moment and not the clock's: what is logged again is then the same again.
    moment = int(document.as_of.timestamp() * 1000)
    metrics = [Metric(key, score, moment, 0) for key, score in scores.items() if score is not None]
    entries = [Param(key, str(value)) for key, value in params.items()]
    tracking.ask(lambda client: client.log_batch(run_id, metrics, entries))


def _wait_ready(tracking: Tracking, version: Any) -> None:
    """Wait until a version can be loaded; most servers say so at once."""
    name, number = version.name, version.version
    end = tracking.clock() + VERSION_WAIT
    while version.status != "READY":
        if version.status != "PENDING_REGISTRATION" or tracking.clock() > end:
            raise Unavailable(
                reasons.TRACKING_UNAVAILABLE,
                f"Version {number} of {name} is {version.status} on the MLflow "
                f"server at {tracking.address} (spec.tracking.uri), not READY. See its log.",
            )
        tracking.sleep(0.5)
        version = tracking.ask(lambda client: client.get_model_version(name, number))


def _tags(document: RunDocument, decision: Decision) -> dict[str, str]:
    return lookup.identity(document) | {lookup.DECISION_TAG: decision.outcome.value}
