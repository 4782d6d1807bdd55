"""What wakes a run: itself, its Jobs and their pods, and the Deployment that serves its model."""

from typing import Any

import kopf

from trainer_operator import constants
from trainer_operator.reconciler import Key, finished


@kopf.on.event(constants.GROUP, constants.VERSION, constants.PLURAL)
async def run_changed(
    name: str, namespace: str | None, body: kopf.Body, memo: kopf.Memo, **_: Any
) -> None:
    """Look at a run that changed, unless it has ended."""
    if namespace and not finished(body):
        memo.reconciler.wake(Key(namespace, name))


@kopf.on.event("batch", "v1", "jobs")
@kopf.on.event("", "v1", "pods")
async def job_changed(
    namespace: str | None, annotations: kopf.Annotations, memo: kopf.Memo, **_: Any
) -> None:
    """Look at the run whose Job, or pod of a Job, changed."""
    if namespace and (run := annotations.get(constants.RUN_NAME)):
        memo.reconciler.wake(Key(namespace, run))


@kopf.on.event("apps", "v1", "deployments")
async def deployment_changed(name: str, namespace: str | None, memo: kopf.Memo, **_: Any) -> None:
    """Look at the runs that name a Deployment that changed."""
    if namespace:
        memo.reconciler.wake_predictor(namespace, name)
