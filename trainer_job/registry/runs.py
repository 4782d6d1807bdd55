"""The MLflow run of a run: one, however often it was created, that shows what was decided."""

import math
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Metric, Param, RunTag

from trainer_job.contract import RunDocument
from trainer_job.errors import BadConfiguration, Unavailable
from trainer_job.registry import lookup
from trainer_job.registry.tracking import Tracking, experiment_id


def experiment(tracking: Tracking) -> str:
    """Return the id of the experiment, created where it does not exist."""
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


def create(
    tracking: Tracking, experiment: str, document: RunDocument, tags: Mapping[str, str]
) -> Any:
    """Create a run and return it; one whose reply was lost counts if it is found."""
    name = document.run.name
    try:
        return tracking.once(
            lambda client: client.create_run(experiment, tags=dict(tags), run_name=name)
        )
    except Unavailable:
        if found := lookup.runs(tracking, experiment, document):
            return found[0]
        raise


def delete(tracking: Tracking, runs: list[Any], but: str | None = None) -> None:
    """Delete runs, all but the one with an id."""
    for run in runs:
        if run.info.run_id != but:
            _delete(tracking, run.info.run_id)


def contradicts(run: Any, params: Mapping[str, object]) -> bool:
    """Say whether a run has other parameters than these: MLflow lets nobody change them."""
    logged = run.data.params
    return any(logged.get(name, str(value)) != str(value) for name, value in params.items())


def log(
    tracking: Tracking,
    run: Any,
    metrics: list[Metric],
    params: Mapping[str, object],
    tags: Mapping[str, str],
) -> None:
    """Log in one call what a run does not show yet."""
    logged = run.data
    new = [Param(name, str(value)) for name, value in params.items() if name not in logged.params]
    changed = [RunTag(*tag) for tag in tags.items() if logged.tags.get(tag[0]) != tag[1]]
    if metrics or new or changed:
        tracking.ask(lambda client: client.log_batch(run.info.run_id, metrics, new, changed))


def outdated(
    tracking: Tracking, run: Any, wanted: Mapping[str, float], moment: int
) -> list[Metric]:
    """Return what to log so that the metrics that MLflow shows of a run are the wanted ones.

    Of several values MLflow shows the one of the highest step. It forgets none, so what an
    earlier attempt logged and this one does not find is followed by a value that is no number.

    Parameters
    ----------
    tracking, run
        The server, and the run as it was found there or created.
    wanted
        Metrics by name.
    moment
        When they count as measured, in ms since 1970.
    """
    shown = run.data.metrics
    return [
        Metric(name, value, moment, _next_step(tracking, run, name) if name in shown else 0)
        for name in (*wanted, *sorted(set(shown) - set(wanted)))
        if not _same(shown.get(name), value := wanted.get(name, math.nan))
    ]


def _same(shown: float | None, value: float) -> bool:
    return shown is not None and (shown == value or (math.isnan(shown) and math.isnan(value)))


def _next_step(tracking: Tracking, run: Any, name: str) -> int:
    history = tracking.ask(lambda client: client.get_metric_history(run.info.run_id, name))
    return 1 + max(int(entry.step) for entry in history)


def _delete(tracking: Tracking, run_id: str) -> None:
    tracking.find(lambda client: client.delete_run(run_id))
