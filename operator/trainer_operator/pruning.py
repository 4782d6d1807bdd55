"""What is kept of an object: the operator remembers no more of it than a decision may need."""

from collections.abc import Iterable, Mapping
from typing import Any

from trainer_operator import constants

Object = dict[str, Any]
Raw = Mapping[str, Any]

_META = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
)
_POD_STATUS = ("phase", "reason", "message", "startTime")
_CONDITION = ("type", "status", "reason", "message", "lastTransitionTime")
_CONTAINER = ("name", "ready", "state", "lastState")
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def finished(raw: Raw) -> bool:
    """Say whether a raw TrainingRun has ended."""
    return (raw.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


def prune_run(raw: Raw) -> Object:
    """Return a TrainingRun without what only the API server needs; little of a finished one."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    head = {"apiVersion": raw.get("apiVersion"), "kind": raw.get("kind"), "metadata": _meta(raw)}
    if not finished(raw):
        return {**head, "spec": spec, "status": status}
    kept = _some(status, ("phase", "completionTime", "startTime", "asOf"))
    if decision := status.get("decision"):
        kept["decision"] = {**_some(decision, ("outcome", "reason")), "message": ""}
    return {**head, "spec": _some(spec, ("ttlAfterFinished",)), "status": kept}


def prune_job(raw: Raw) -> Object:
    """Return a Job without its template, which is the longest part of it."""
    spec = _some(raw.get("spec") or {}, ("suspend",))
    return {"metadata": _meta(raw), "spec": spec, "status": raw.get("status") or {}}


def prune_pod(raw: Raw) -> Object:
    """Return a pod with where it is and how it does."""
    status = raw.get("status") or {}
    kept = _some(status, _POD_STATUS)
    kept["conditions"] = _each(status.get("conditions"), _CONDITION)
    kept["containerStatuses"] = _each(status.get("containerStatuses"), _CONTAINER)
    spec = _some(raw.get("spec") or {}, ("nodeName",))
    return {"metadata": _meta(raw), "spec": spec, "status": kept}


def prune_deployment(raw: Raw) -> Object:
    """Return what the operator itself wrote on a Deployment."""
    meta = _some(raw["metadata"], _META[:4])
    annotations = raw["metadata"].get("annotations") or {}
    meta["annotations"] = {
        key: value for key, value in annotations.items() if key.startswith(f"{constants.GROUP}/")
    }
    return {"metadata": meta}


def _meta(raw: Raw) -> Object:
    kept = _some(raw["metadata"], _META)
    if _APPLIED in kept.get("annotations", {}):
        kept["annotations"] = {k: v for k, v in kept["annotations"].items() if k != _APPLIED}
    return kept


def _each(items: Iterable[Raw] | None, names: Iterable[str]) -> list[Object]:
    return [_some(item, names) for item in items or ()]


def _some(raw: Raw, names: Iterable[str]) -> Object:
    return {name: raw[name] for name in names if raw.get(name) is not None}
