"""What a run has created in MLflow, found by the run's uid, which all of it carries as a tag."""

from collections.abc import Callable
from typing import Any

from trainer_job.contract import RunDocument
from trainer_job.registry.tracking import Tracking

RUN_TAG = "training.sensors.dev/run"
NAME_TAG = "training.sensors.dev/name"
NAMESPACE_TAG = "training.sensors.dev/namespace"
DECISION_TAG = "training.sensors.dev/decision"
FEATURES_TAG = "training.sensors.dev/feature-set"
CODE_TAG = "training.sensors.dev/code-version"
SCORED_TAG = "training.sensors.dev/f1-on"
FIGURES_TAG = "training.sensors.dev/figures"
"""Of a version: a digest of what its run shows, by which an attempt knows what is out of date."""
HOLDOUT_TAG = "training.sensors.dev/holdout"
"""Of a version: which episodes it was not fitted on."""

PAGE = 200


def identity(document: RunDocument) -> dict[str, str]:
    """Return the tags that say whose a thing is."""
    run = document.run
    tags = {RUN_TAG: run.uid, NAME_TAG: run.name}
    return tags if run.namespace is None else tags | {NAMESPACE_TAG: run.namespace}


def runs(tracking: Tracking, experiment: str, document: RunDocument) -> list[Any]:
    """Return the MLflow runs of a run, the oldest first."""
    found = _pages(
        tracking,
        lambda client, token: client.search_runs(
            [experiment], _carries(document), max_results=PAGE, page_token=token
        ),
    )
    return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))


def versions(tracking: Tracking, document: RunDocument) -> list[Any]:
    """Return the model versions of a run, the oldest first."""
    name = document.model.registered_name
    found = _pages(
        tracking,
        lambda client, token: client.search_model_versions(
            f"name = '{name}' and {_carries(document)}", max_results=PAGE, page_token=token
        ),
    )
    return sorted(found, key=lambda version: int(version.version))


def _carries(document: RunDocument) -> str:
    return f"tags.`{RUN_TAG}` = '{document.run.uid}'"


def _pages(tracking: Tracking, search: Callable[[Any, str | None], Any]) -> list[Any]:
    """Collect all pages of a search: it has no order of its own, so the first proves nothing."""
    found: list[Any] = []
    token: str | None = None
    while True:
        page = _page(tracking, search, token)
        found += page
        token = page.token
        if not token:
            return found


def _page(tracking: Tracking, search: Callable[[Any, str | None], Any], token: str | None) -> Any:
    return tracking.ask(lambda client: search(client, token))
