"""Objects as the API server returns them, each with what a test says about it and no more."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from trainer_operator.models import TrainingRun
from trainer_operator.observed import Deployment, Job, Observed, Pod, Refusal
from trainer_operator.reconcile import Plan, decide
from trainer_operator.settings import Settings

Object = dict[str, Any]

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
UID = "3f1c9a52-0000-4000-8000-000000000001"
MODEL = "sensor_failure_clustering"
KEY = "training.sensors.dev"
SETTINGS = Settings(job_image="trainer/job:1")
PREDICTOR: Object = {"predictor": {"deployment": "sensor-predictor"}}
MANUAL: Object = {"promotion": {"policy": "Manual"}}


def time(seconds: float = 0) -> str:
    """Return a time so many seconds before NOW, as Kubernetes writes it."""
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def raw_run(spec: Object | None = None, status: Object | None = None, **meta: object) -> Object:
    """Return a TrainingRun."""
    return {
        "apiVersion": f"{KEY}/v1alpha1",
        "kind": "TrainingRun",
        "metadata": {
            "name": "nightly",
            "namespace": "plant",
            "uid": UID,
            "generation": 1,
            "resourceVersion": "100",
            "creationTimestamp": time(90),
            **meta,
        },
        "spec": spec or {},
        "status": status or {"observedGeneration": -1},
    }


def a_run(spec: Object | None = None, status: Object | None = None, **meta: object) -> TrainingRun:
    """Return a TrainingRun as it is viewed."""
    return TrainingRun.read(raw_run(spec, status, **meta))


def admitted(phase: str = "Pending", **status: object) -> Object:
    """Return the status of a run that was admitted a minute ago."""
    return {
        "observedGeneration": 1,
        "phase": phase,
        "asOf": time(60),
        "startTime": time(60),
        "message": "As before.",
        "effective": {
            "image": "trainer/job:1",
            "imagePullPolicy": "IfNotPresent",
            "resources": {"limits": {"memory": "40Mi"}, "requests": {}},
            "database": {"name": "trainer-database"},
            "tracking": {"uri": "http://mlflow:5000", "experiment": MODEL},
            "activeDeadline": "1h",
            "rolloutTimeout": "5m",
        },
        **status,
    }


def staged(phase: str = "RollingOut", version: str = "2", **status: object) -> Object:
    """Return the status of a run whose model passed and is not in service yet."""
    given: Object = {
        "model": model(version),
        "decision": {"outcome": "Staged", "reason": "AwaitingRollout", "message": "Passed."},
        **status,
    }
    return admitted(phase, **given)


def awaiting(version: str = "2", **status: object) -> Object:
    """Return the status of a run whose model passed and waits for somebody's word."""
    decision = {"outcome": "AwaitingApproval", "reason": "AwaitingApproval", "message": "Asked."}
    given: Object = {"decision": decision, **status}
    return staged("AwaitingApproval", version, **given)


def rolling(seconds: float = 10, phase: str = "RollingOut", **status: object) -> Object:
    """Return the status of a run that put version 2 on the Deployment some seconds ago."""
    rollout = {
        "deployment": "sensor-predictor",
        "fromVersion": "1",
        "toVersion": "2",
        "startTime": time(seconds),
        "replicas": 1,
        "ready": 0,
    }
    given: Object = {"rollout": rollout, **status}
    return staged(phase, **given)


def model(version: str = "2") -> Object:
    """Return a model as the job's result holds it."""
    return {
        "name": MODEL,
        "version": version,
        "runId": "0123",
        "uri": f"models:/{MODEL}/{version}",
        "clusters": 3,
    }


def result(outcome: str, uid: str = UID, **more: object) -> str:
    """Return the termination message of a job that decided."""
    reason = "AwaitingRollout" if outcome == "Staged" else f"{outcome}Reason"
    decision = {"outcome": outcome, "reason": reason, "message": f"{outcome}: why."}
    document: Object = {"run": uid, "model": model(), "decision": decision, **more}
    return json.dumps(document)


def failure(reason: str, message: str = "It failed.", uid: str = UID) -> str:
    """Return the termination message of a job that failed."""
    return json.dumps({"run": uid, "failure": {"reason": reason, "message": message}})


def a_pod(
    name: str = "pod-1",
    *,
    state: Object | None = None,
    last_state: Object | None = None,
    age: float = 10,
    log: tuple[str, ...] = (),
    version: str | None = None,
    conditions: tuple[Object, ...] = (),
    deleting: float | None = None,
    node: str | None = None,
    **status: object,
) -> Pod:
    """Return a pod whose container is in a state; `deleting` seconds ago its grace ended."""
    containers = [{"name": "trainer", "state": state or {}, "lastState": last_state or {}}]
    meta: Object = {"name": name, "uid": f"uid-{name}", "creationTimestamp": time(age)}
    if version:
        meta["annotations"] = {f"{KEY}/model-version": version}
    if deleting is not None:
        meta["deletionTimestamp"] = time(deleting)
    phase = "Running" if "running" in (state or {}) else "Pending"
    return Pod.read(
        {
            "metadata": meta,
            "spec": {"nodeName": node},
            "status": {
                "phase": phase,
                "conditions": list(conditions),
                "containerStatuses": containers,
                **status,
            },
        },
        log,
    )


def running_pod(*log: str, **more: Any) -> Pod:
    """Return a pod that runs, with its log."""
    return a_pod(state={"running": {}}, log=log, **more)


def ended_pod(exit_code: int = 0, message: str = "", reason: str = "", **more: Any) -> Pod:
    """Return a pod that ended."""
    terminated = {"exitCode": exit_code, "reason": reason, "message": message}
    phase = "Failed" if exit_code else "Succeeded"
    return a_pod(state={"terminated": terminated}, phase=phase, **more)


def waiting_pod(reason: str, message: str = "", **more: Any) -> Pod:
    """Return a pod whose container waits."""
    return a_pod(state={"waiting": {"reason": reason, "message": message}}, **more)


def a_job(
    *pods: Pod,
    failed: str | None = None,
    complete: bool = False,
    owner: str = UID,
    name: str = "nightly-train-1",
    refused: str = "",
    annotations: dict[str, str] | None = None,
    age: float = 20,
    suspended: bool = False,
    active: int = 0,
    **meta: object,
) -> Job:
    """Return a Job with its pods; `failed` is the reason of its end."""
    conditions = []
    if failed:
        conditions.append({"type": "Failed", "status": "True", "reason": failed, "message": "m"})
    if complete:
        conditions.append({"type": "Complete", "status": "True"})
    raw = {
        "metadata": {
            "name": name,
            "uid": "uid-job",
            "resourceVersion": "50",
            "creationTimestamp": time(age),
            "ownerReferences": [{"uid": owner, "controller": True}],
            "annotations": annotations or {},
            **meta,
        },
        "spec": {"suspend": suspended},
        "status": {
            "conditions": conditions,
            "active": active,
            "failed": len(pods) - active,
            "startTime": None if suspended else time(age),
        },
    }
    return Job.read(raw, pods, refused)


def a_deployment(
    version: str | None = None,
    *pods: Pod,
    claim: str | None = None,
    previous: str | None = None,
    template: str | None = None,
    replicas: int = 1,
    status: Object | None = None,
    paused: bool = False,
) -> Deployment:
    """Return the predictor's Deployment; the template names the same version if not told."""
    annotations = {
        f"{KEY}/model-name": MODEL if version else None,
        f"{KEY}/model-version": version,
        f"{KEY}/run": claim,
        f"{KEY}/previous-version": previous,
    }
    carried = template or version
    raw = {
        "metadata": {
            "name": "sensor-predictor",
            "uid": "uid-deployment",
            "resourceVersion": "7",
            "generation": 3,
            "annotations": {key: value for key, value in annotations.items() if value},
        },
        "spec": {
            "replicas": replicas,
            "paused": paused,
            "template": {
                "metadata": {"annotations": {f"{KEY}/model-version": carried} if carried else {}}
            },
        },
        "status": {
            "observedGeneration": 3,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "availableReplicas": replicas,
            **(status or {}),
        },
    }
    return Deployment.read(raw, pods)


def ready_pod(name: str = "predictor-1", version: str = "2") -> Pod:
    """Return a predictor's pod that serves a version."""
    ready = {"type": "Ready", "status": "True"}
    return running_pod(name=name, version=version, conditions=(ready,))


def look(run: TrainingRun, **observed: Any) -> Plan:
    """Return what is decided about a run that something is to be done about."""
    plan = decide(Observed(run, **observed), NOW, SETTINGS)
    assert plan is not None
    return plan


def look_again(run: TrainingRun, plan: Plan, **observed: Any) -> Plan:
    """Return what is decided next, after a plan's status was written."""
    return look(run.model_copy(update={"status": plan.status}), **observed)


def refusal(message: str = "no", *, for_good: bool = False) -> Refusal:
    """Return an API server's refusal."""
    return Refusal(message, for_good)
