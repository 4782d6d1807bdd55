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
    PromoteTask,
    RunDocument,
    RunIdentity,
    TrackingSpec,
)
from trainer_operator import constants
from trainer_operator.models import Effective, TrainingRun
from trainer_operator.resources.reference import Mounted, reference_file

_NAME_LIMIT = 63
"""A pod carries its Job's name as a label, and a label's value has at most 63 characters."""

_LEAST = timedelta(minutes=1)


def job_name(run: TrainingRun, task: str) -> str:
    """Return the name of a run's Job: readable, and never that of another run's."""
    digest = hashlib.sha256(run.uid.encode()).hexdigest()[:8]
    end = f"-{task}-{digest}"
    return run.name.replace(".", "-")[: _NAME_LIMIT - len(end)].rstrip("-") + end


def train_job(run: TrainingRun) -> dict[str, Any]:
    """Return the Job that trains, and promotes by itself where nothing is rolled out.

    The run must be admitted: its status says when, and what its defaults are.
    """
    return _job(run, constants.TRAIN, _document(run), _effective(run).active_deadline)


def promote_job(run: TrainingRun, now: datetime) -> dict[str, Any]:
    """Return the Job that proves and promotes the version that is rolled out.

    It has what is left of the rollout's time, and a minute at least: a version that came into
    service at the last moment is worth being asked.
    """
    predictor, model = run.spec.predictor, run.status.model
    if predictor is None or model is None:
        msg = f"{run.name} has nothing to promote"
        raise ValueError(msg)
    service = predictor.service or predictor.deployment
    task = PromoteTask(
        version=model.version, url=f"http://{service}.{run.namespace}.svc:{predictor.port}"
    )
    document = _document(run).model_copy(update={"promote": task})
    started = (run.status.rollout and run.status.rollout.start_time) or now
    left = started + _effective(run).rollout_timeout - now
    return _job(run, constants.PROMOTE, document, max(left, _LEAST))


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
        data=spec.source.data,
        tracking=TrackingSpec(uri=tracking.uri, experiment=tracking.experiment),
        features=spec.features,
        model=spec.model,
        gates=spec.gates,
        promotion=spec.promotion,
        staged=run.rolls_out,
    )


def _job(run: TrainingRun, task: str, document: RunDocument, deadline: timedelta) -> dict[str, Any]:
    labels = {
        constants.MANAGED_BY: constants.MANAGER,
        constants.RUN_UID: run.uid,
        constants.TASK: task,
    }
    marks = {"labels": labels, "annotations": {constants.RUN_NAME: run.name}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(run, task),
            "namespace": run.namespace,
            **marks,
            "ownerReferences": [_owner(run)],
        },
        "spec": {
            "backoffLimit": _retries(run, task),
            "activeDeadlineSeconds": max(1, round(deadline.total_seconds())),
            "podFailurePolicy": {"rules": _failure_rules()},
            "template": {
                "metadata": marks,
                "spec": _pod_spec(run, task, document),
            },
        },
    }


def _retries(run: TrainingRun, task: str) -> int:
    # A promotion may be committed by an attempt that dies before it says so: the next one does.
    return max(run.spec.retry.limit, 1) if task == constants.PROMOTE else run.spec.retry.limit


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
        "args": ["promote" if task == constants.PROMOTE else "run"],
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
