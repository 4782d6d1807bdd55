"""The train Job and the promote Job of a run.

Both run the same image on the same document; the promote Job's names the version and where the
predictor answers. A Job's template is the same for each attempt.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from trainer_job.contract import (
    DATABASE_VARIABLES,
    PERMANENT_EXIT_CODES,
    RUN_VARIABLE,
    TRACKING_VARIABLES,
    CheckTask,
    DataSpec,
    PromoteTask,
    PromotionSpec,
    RunDocument,
    RunIdentity,
    TrackingSpec,
)
from trainer_operator import constants
from trainer_operator.models import Effective, TrainingRun
from trainer_operator.resources import pods
from trainer_operator.resources.reference import Mounted, reference_file

_NAME_LIMIT = 63
"""A pod carries its Job's name as a label, and a label's value has at most 63 characters."""

_LEAST = timedelta(minutes=1)
_LAST_WORDS = timedelta(minutes=1)
"""For a pod to end in, and for what it says to be read."""
_RECALL_DEADLINE = timedelta(minutes=5)
_RECALL_RETRIES = 2


def job_name(run: TrainingRun, task: str) -> str:
    """Return the name of a run's Job: readable, and never that of another run's."""
    digest = hashlib.sha256(run.uid.encode()).hexdigest()[:8]
    end = f"-{task}-{digest}"
    return run.name.replace(".", "-")[: _NAME_LIMIT - len(end)].rstrip("-") + end


def first_task(run: TrainingRun) -> str:
    """Return what the run's first Job does: it trains, or checks the version that is named."""
    return constants.TRAIN if run.spec.source.model_version is None else constants.CHECK


def train_job(run: TrainingRun) -> dict[str, Any]:
    """Return the Job that trains, and promotes by itself where nothing is rolled out.

    Where the run names a version, it checks that one instead. The run must be admitted: its
    status says when, and what its defaults are.
    """
    document = _document(run)
    if version := run.spec.source.model_version:
        document = document.model_copy(update={"check": CheckTask(version=version)})
    return _job(run, first_task(run), document, _effective(run).active_deadline)


def promote_job(run: TrainingRun, now: datetime) -> dict[str, Any]:
    """Return the Job that proves and promotes the version that is rolled out.

    Its pod has what is left of the rollout's time, and a minute at least: a version that came
    into service at the last moment is worth being asked. The Job itself has a little more: its
    controller deletes the pods that its own deadline ends, and with them what they say.
    """
    document = _document(run).model_copy(update={"promote": _promote_task(run)})
    started = (run.status.rollout and run.status.rollout.start_time) or now
    left = max(started + _effective(run).rollout_timeout - now, _LEAST)
    job = _job(run, constants.PROMOTE, document, left + _LAST_WORDS)
    job["spec"]["template"]["spec"]["activeDeadlineSeconds"] = round(left.total_seconds())
    return job


def _promote_task(run: TrainingRun) -> PromoteTask:
    predictor, status, model = run.spec.predictor, run.status, run.status.model
    if model is None:
        msg = f"{run.name} has nothing to promote"
        raise ValueError(msg)
    task = PromoteTask(version=model.version)
    if run.spec.source.model_version is not None:
        champion = status.decision.champion if status.decision else None
        expected = champion.version if champion else None
        task = task.model_copy(update={"explicit": True, "expected": expected})
    if predictor is None:
        return task
    if status.rollout and status.rollout.replicas == 0:  # nobody is there to be asked
        return task.model_copy(update={"outcome": "NotServing"})
    service = predictor.service or predictor.deployment
    url = f"http://{service}.{run.namespace}.svc:{predictor.port}"
    return task.model_copy(update={"url": url})


def recall_job(run: TrainingRun) -> dict[str, Any]:
    """Return the Job that asks the records how the run was decided; it changes nothing."""
    document = _document(run).model_copy(update={"recall": True})
    return _job(run, constants.RECALL, document, _RECALL_DEADLINE)


def _effective(run: TrainingRun) -> Effective:
    if run.status.effective is None:
        msg = f"{run.name} was not admitted"
        raise ValueError(msg)
    return run.status.effective


def _document(run: TrainingRun) -> RunDocument:
    spec, tracking = run.spec, _effective(run).tracking
    if run.status.as_of is None:
        msg = f"{run.name} was not admitted"
        raise ValueError(msg)
    return RunDocument(
        run=RunIdentity(name=run.name, namespace=run.namespace, uid=run.uid),
        as_of=run.status.as_of,
        data=spec.source.data or DataSpec(),
        tracking=TrackingSpec(uri=tracking.uri, experiment=tracking.experiment),
        features=spec.features,
        model=spec.model,
        gates=spec.gates,
        promotion=PromotionSpec(policy=spec.promotion.policy, alias=spec.promotion.alias),
        # What waits for somebody's word is not promoted by the train Job either.
        staged=run.rolls_out or spec.promotion.policy == "Manual",
    )


def _job(run: TrainingRun, task: str, document: RunDocument, deadline: timedelta) -> dict[str, Any]:
    labels = {
        **pods.labels(run.spec.job),
        constants.MANAGED_BY: constants.MANAGER,
        constants.RUN_UID: run.uid,
        constants.TASK: task,
    }
    marks = {constants.RUN_NAME: run.name}
    queue = _queue(run, task)
    before = _attempts_before(run, task)
    made_anew = {constants.ATTEMPTS_BEFORE: str(before)} if before else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(run, task),
            "namespace": run.namespace,
            "labels": {**labels, **queue},
            "annotations": {**marks, **made_anew},
            "ownerReferences": [_owner(run)],
        },
        "spec": {
            "backoffLimit": _retries(run, task, before),
            "activeDeadlineSeconds": max(1, round(deadline.total_seconds())),
            "podFailurePolicy": {"rules": _failure_rules()},
            # A pod that is on its way out may still commit: the next one waits for its end.
            "podReplacementPolicy": "Failed",
            **({"suspend": True} if queue else {}),
            "template": {
                "metadata": {"labels": labels, "annotations": marks},
                "spec": pods.with_overrides(_pod_spec(run, task, document), run.spec.job),
            },
        },
    }


def _queue(run: TrainingRun, task: str) -> dict[str, str]:
    """Return the labels by which Kueue takes the Job up, which it then starts itself.

    Only what trains goes through a queue: a rollout has begun when its Job is made.
    """
    if task != constants.TRAIN or run.kueue_queue is None:
        return {}
    labels = {constants.KUEUE_QUEUE: run.kueue_queue}
    if run.kueue_priority:
        labels[constants.KUEUE_PRIORITY] = run.kueue_priority
    return labels


def _attempts_before(run: TrainingRun, task: str) -> int:
    """Return how many attempts the Jobs of this name have made, where one is made anew."""
    return (run.status.attempts or 0) if task == first_task(run) else 0


def _retries(run: TrainingRun, task: str, before: int) -> int:
    if task == constants.RECALL:
        return _RECALL_RETRIES
    # A promotion may be committed by an attempt that dies before it says so: the next one does.
    least = 1 if task == constants.PROMOTE else 0
    return max(run.spec.retry.limit - before, least)


def _owner(run: TrainingRun) -> dict[str, Any]:
    return {
        "apiVersion": constants.API_VERSION,
        "kind": constants.KIND,
        "name": run.name,
        "uid": run.uid,
        # Without blockOwnerDeletion: setting it can take a right on the run's finalizers.
        "controller": True,
    }


def _failure_rules() -> list[dict[str, Any]]:
    return [
        # A drained node is nobody's fault: it does not count as an attempt.
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        # A retry would end the same way.
        {
            "action": "FailJob",
            "onExitCodes": {
                "containerName": constants.CONTAINER,
                "operator": "In",
                "values": [int(code) for code in PERMANENT_EXIT_CODES],
            },
        },
    ]


def _pod_spec(run: TrainingRun, task: str, document: RunDocument) -> dict[str, Any]:
    effective = _effective(run)
    reference = reference_file(run) if task == constants.TRAIN else Mounted()
    container = {
        "name": constants.CONTAINER,
        "image": effective.image,
        "imagePullPolicy": effective.image_pull_policy,
        "args": ["run" if task == constants.TRAIN else task],
        "env": [*_environment(effective, document), *reference.variables],
        "resources": effective.resources.to_json(),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
            *reference.mounts,
        ],
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": constants.USER,
            "runAsGroup": constants.USER,
            "fsGroup": constants.USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}, *reference.volumes],
    }


def _environment(effective: Effective, document: RunDocument) -> list[dict[str, Any]]:
    # By key and not envFrom: a Secret could set any variable of the process otherwise.
    variables = [{"name": RUN_VARIABLE, "value": json.dumps(document.to_json())}]
    for key in DATABASE_VARIABLES:
        optional = key == "POSTGRES_PORT"  # its default is everybody's
        variables.append(_secret_key(key, effective.database.name, optional=optional))
    if secret := effective.tracking.secret_ref:
        variables += [_secret_key(key, secret.name, optional=True) for key in TRACKING_VARIABLES]
    return variables


def _secret_key(key: str, secret: str, *, optional: bool = False) -> dict[str, Any]:
    reference: dict[str, Any] = {"name": secret, "key": key}
    if optional:
        reference["optional"] = True
    return {"name": key, "valueFrom": {"secretKeyRef": reference}}
