"""The annotations of the predictor's Deployment, as patches with preconditions."""

from typing import Any

from trainer_operator import constants
from trainer_operator.models import TrainingRun
from trainer_operator.observed import Deployment


def claim(
    run: TrainingRun, deployment: Deployment, model: str, version: str, previous: str | None
) -> dict[str, Any]:
    """Return the server-side apply that claims the Deployment and puts a version on it."""
    claimed = {constants.CLAIM: run.uid}
    if previous is not None:
        claimed[constants.PREVIOUS_VERSION] = previous
    return _apply(run.namespace, deployment, _version(model, version), claimed)


def restore(
    namespace: str, deployment: Deployment, model: str, previous: str | None
) -> dict[str, Any]:
    """Return the apply that puts the previous version back, and with it gives up the claim.

    An apply takes away what it owns and no longer names: without a previous version all of the
    annotations go.
    """
    return _apply(namespace, deployment, _version(model, previous), {})


def release(deployment: Deployment) -> dict[str, Any]:
    """Return the merge patch that gives up the claim and leaves everything else alone."""
    return {
        "metadata": {
            "resourceVersion": deployment.resource_version,
            "annotations": {constants.CLAIM: None, constants.PREVIOUS_VERSION: None},
        }
    }


def _version(model: str, version: str | None) -> dict[str, str]:
    if version is None:
        return {}
    return {constants.MODEL_NAME: model, constants.MODEL_VERSION: version}


def _apply(
    namespace: str,
    deployment: Deployment,
    version: dict[str, str],
    claimed: dict[str, str],
) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": deployment.name,
            "namespace": namespace,
            # Preconditions: this very object, and exactly as it was when this was decided.
            "uid": deployment.uid,
            "resourceVersion": deployment.resource_version,
            "annotations": {**version, **claimed},
        },
        "spec": {"template": {"metadata": {"annotations": version}}},
    }
