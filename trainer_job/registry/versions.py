"""The model version of a run: one, the oldest, however often it was created."""

from collections.abc import Mapping
from typing import Any

from trainer_job import reasons
from trainer_job.contract import RunDocument
from trainer_job.errors import BadConfiguration, Unavailable
from trainer_job.registry import lookup
from trainer_job.registry.tracking import NotFound, Tracking

WAIT = 30.0
"""Seconds for which a server may prepare a version."""

_ABOUT = (
    "Failure modes of machines with sensors: groups of similar failure episodes. "
    "The version in service has the alias; the description of each says what became of it."
)


def create(
    tracking: Tracking,
    document: RunDocument,
    source: str,
    run_id: str,
    tags: Mapping[str, str],
    description: str,
) -> Any:
    """Create a version and return it, or the oldest that there is now.

    What a lost reply told of is found; of two that were created at once the older one stays.
    """
    name = document.model.registered_name

    def create_version(client: Any) -> None:
        client.create_model_version(
            *(name, source, run_id, dict(tags)), description=description, await_creation_for=0
        )

    lost: Unavailable | None = None
    try:
        try:
            tracking.once(create_version)
        except NotFound:
            _create_registered_model(tracking, name)
            tracking.once(create_version)
    except Unavailable as error:
        lost = error
    if found := lookup.versions(tracking, document):
        return keep_oldest(tracking, found)
    raise lost or Unavailable(
        reasons.TRACKING_UNAVAILABLE,
        "The MLflow server does not show the model version that it has just created. The next "
        "attempt looks again.",
    )


def keep_oldest(tracking: Tracking, found: list[Any]) -> Any:
    """Return the first and delete the others."""
    kept, *rest = found
    for extra in rest:
        _delete(tracking, extra)
    return kept


def describe(
    tracking: Tracking, name: str, version: str, tags: Mapping[str, str], description: str
) -> None:
    """Write description and tags of a version anew, the tags in their order."""
    tracking.ask(lambda client: client.update_model_version(name, version, description))
    for key, value in tags.items():
        _tag(tracking, name, version, key, value)


def wait_ready(tracking: Tracking, version: Any) -> None:
    """Wait until a version can be loaded; most servers say so at once.

    Raises
    ------
    Unavailable
        If it is not ready in time, or failed.
    """
    name, number = version.name, version.version
    end = tracking.clock() + WAIT
    while version.status != "READY":
        if version.status != "PENDING_REGISTRATION" or tracking.clock() > end:
            raise Unavailable(
                reasons.TRACKING_UNAVAILABLE,
                f"Version {number} of {name} is {version.status} on the MLflow "
                f"server at {tracking.address} (spec.tracking.uri), not READY. See its log.",
            )
        tracking.sleep(0.5)
        version = tracking.ask(lambda client: client.get_model_version(name, number))


def _create_registered_model(tracking: Tracking, name: str) -> None:
    try:
        tracking.once(lambda client: client.create_registered_model(name, description=_ABOUT))
    except (BadConfiguration, Unavailable):
        if tracking.find(lambda client: client.get_registered_model(name)) is None:
            raise


def _delete(tracking: Tracking, version: Any) -> None:
    tracking.find(lambda client: client.delete_model_version(version.name, version.version))


def _tag(tracking: Tracking, name: str, version: str, key: str, value: str) -> None:
    tracking.ask(lambda client: client.set_model_version_tag(name, version, key, value))
