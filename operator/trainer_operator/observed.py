"""What was read from the cluster, as frozen views of the raw objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trainer_job.contract import Failure
from trainer_operator import constants
from trainer_operator.models import TrainingRun

Raw = Mapping[str, Any]


def timestamp(text: str) -> datetime:
    """Read a time as the API server writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def controller(raw: Raw) -> str | None:
    """Return the uid of the object's controller."""
    for owner in raw["metadata"].get("ownerReferences", ()):
        if owner.get("controller"):
            return str(owner["uid"])
    return None


@dataclass(frozen=True)
class Terminated:
    """A container that ended."""

    exit_code: int
    reason: str
    message: str


@dataclass(frozen=True)
class Pod:
    """A pod: of a Job, or of the predictor."""

    name: str
    uid: str
    created: datetime
    phase: str
    ready: bool = False
    mounted: bool = False
    """Its volumes are there: what the kubelet said of them before is settled."""
    version: str | None = None
    """Model version that its annotation names."""
    waiting: Failure | None = None
    """Why its container, or the pod itself, does not start."""
    terminated: Terminated | None = None
    crashed: Terminated | None = None
    """How its container ended before it was started again."""
    lost: str = ""
    """What the kubelet or the node's controller says about a pod that it ended."""
    evicted: Failure | None = None
    """Why the cluster took it away for others: eviction, preemption, a drained node."""
    deleting_since: datetime | None = None
    """When its grace period ends, or ended: the kubelet kills it then at the latest."""
    node: str | None = None
    started: datetime | None = None
    """When its container started."""
    log: tuple[str, ...] = ()

    @classmethod
    def read(cls, raw: Raw, log: tuple[str, ...] = ()) -> "Pod":
        """View a pod, with the last lines of its log."""
        meta, status = raw["metadata"], raw.get("status", {})
        conditions = {each["type"]: each for each in status.get("conditions", ())}
        states = list(status.get("containerStatuses", ()))
        return cls(
            name=meta["name"],
            uid=meta["uid"],
            created=timestamp(meta["creationTimestamp"]),
            phase=status.get("phase", "Pending"),
            ready=_true(conditions, "Ready"),
            mounted=_true(conditions, "PodReadyToStartContainers"),
            version=meta.get("annotations", {}).get(constants.MODEL_VERSION),
            waiting=_waiting(states) or _unscheduled(conditions),
            terminated=_terminated(states, "state"),
            crashed=_terminated(states, "lastState"),
            lost=" ".join(filter(None, (status.get("reason"), status.get("message")))),
            evicted=_evicted(status, conditions),
            deleting_since=_time(meta, "deletionTimestamp"),
            node=raw.get("spec", {}).get("nodeName"),
            started=_started(states),
            log=log,
        )

    @property
    def creating(self) -> bool:
        """Say whether the kubelet prepares its container, and tells no trouble with it."""
        return self.waiting is not None and self.waiting.reason == "ContainerCreating"


def _time(raw: Raw, key: str) -> datetime | None:
    text = raw.get(key)
    return timestamp(text) if text else None


def _evicted(status: Raw, conditions: Mapping[str, Raw]) -> Failure | None:
    if status.get("reason") == "Evicted":  # by its kubelet, for want of memory or disk
        return Failure(reason="Evicted", message=status.get("message", ""))
    disrupted = conditions.get("DisruptionTarget", {})
    if disrupted.get("status") != "True":
        return None
    return Failure(reason=disrupted.get("reason", "Evicted"), message=disrupted.get("message", ""))


def _started(states: list[Raw]) -> datetime | None:
    for each in states:
        for state in ("running", "terminated"):
            if found := each.get("state", {}).get(state):
                return _time(found, "startedAt")
    return None


def _true(conditions: Mapping[str, Raw], kind: str) -> bool:
    return bool(conditions.get(kind, {}).get("status") == "True")


def _waiting(states: list[Raw]) -> Failure | None:
    for each in states:
        if waiting := each.get("state", {}).get("waiting"):
            reason, message = waiting.get("reason", ""), waiting.get("message", "")
            return Failure(reason=reason or "Waiting", message=message)
    return None


def _unscheduled(conditions: Mapping[str, Raw]) -> Failure | None:
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") != "False":
        return None
    reason, message = scheduled.get("reason", ""), scheduled.get("message", "")
    return Failure(reason=reason or "Unscheduled", message=message)


def _terminated(states: list[Raw], when: str) -> Terminated | None:
    for each in states:
        if ended := each.get(when, {}).get("terminated"):
            return Terminated(
                exit_code=ended.get("exitCode", 0),
                reason=ended.get("reason", ""),
                message=ended.get("message", ""),
            )
    return None


@dataclass(frozen=True)
class Job:
    """A Job with its pods, the oldest first."""

    name: str
    owner: str | None
    created: datetime
    uid: str = ""
    resource_version: str = ""
    deleting: bool = False
    suspended: bool = False
    """It has no pods and makes none: the operator, or Kueue, holds it."""
    queue: str | None = None
    """Queue of Kueue that it goes through."""
    started: datetime | None = None
    """When it was started, or resumed, last: its deadline counts from then."""
    attempts: int = 0
    """Its own: pods that run, succeeded or failed; what a disruption ended is not among them."""
    active: int = 0
    before: int = 0
    """Attempts of the Jobs that had its name before it."""
    failed: Failure | None = None
    """The condition that ended it, where it failed."""
    failing_since: datetime | None = None
    """When it began to end its pods, where it is not through with them."""
    complete: bool = False
    stopped: Failure | None = None
    """Why the operator suspended it, for good."""
    pods: tuple[Pod, ...] = ()
    refused: str = ""
    """Why its controller could not make a pod."""

    @property
    def ended(self) -> bool:
        """Say whether no further attempt will be made."""
        return self.complete or self.failed is not None

    @property
    def leaving(self) -> tuple[Pod, ...]:
        """Return the pods that are being deleted and whose containers have not ended."""
        return tuple(pod for pod in self.pods if pod.deleting_since and not pod.terminated)

    @classmethod
    def read(cls, raw: Raw, pods: tuple[Pod, ...] = (), refused: str = "") -> "Job":
        """View a Job; FailureTarget and SuccessCriteriaMet are the end, too."""
        meta, status = raw["metadata"], raw.get("status", {})
        true = {
            each["type"]: each
            for each in status.get("conditions", ())
            if each.get("status") == "True"
        }
        failed = true.get("Failed") or true.get("FailureTarget")
        labels, annotations = meta.get("labels", {}), meta.get("annotations", {})
        stopped = annotations.get(constants.STOP_REASON)
        return cls(
            name=meta["name"],
            owner=controller(raw),
            created=timestamp(meta["creationTimestamp"]),
            uid=meta["uid"],
            resource_version=meta.get("resourceVersion", ""),
            deleting="deletionTimestamp" in meta,
            suspended=bool(raw.get("spec", {}).get("suspend")),
            queue=labels.get(constants.KUEUE_QUEUE),
            started=_time(status, "startTime"),
            active=status.get("active", 0),
            before=_count(annotations.get(constants.ATTEMPTS_BEFORE, "")),
            attempts=sum(status.get(key, 0) for key in ("active", "succeeded", "failed")),
            failed=failed and _condition(failed),
            failing_since=_time(failed, "lastTransitionTime")
            if failed and "Failed" not in true
            else None,
            complete="Complete" in true or "SuccessCriteriaMet" in true,
            stopped=stopped
            and Failure(reason=stopped, message=annotations.get(constants.STOP_MESSAGE, "")),
            pods=tuple(sorted(pods, key=lambda pod: (pod.created, pod.name))),
            refused=refused,
        )


def _count(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _condition(raw: Raw) -> Failure:
    return Failure(reason=raw.get("reason", "Failed"), message=raw.get("message", ""))


@dataclass(frozen=True)
class Deployment:
    """The predictor's Deployment, and its pods that are not on their way out."""

    name: str
    uid: str
    resource_version: str
    generation: int
    observed_generation: int = 0
    wanted: int = 1
    replicas: int = 0
    updated: int = 0
    available: int = 0
    paused: bool = False
    version: str | None = None
    model_name: str | None = None
    template_version: str | None = None
    claim: str | None = None
    previous: str | None = None
    refused: str = ""
    """Why its ReplicaSet could not make a pod."""
    pods: tuple[Pod, ...] = ()

    @classmethod
    def read(cls, raw: Raw, pods: tuple[Pod, ...] = ()) -> "Deployment":
        """View a Deployment."""
        meta, spec, status = raw["metadata"], raw["spec"], raw.get("status", {})
        annotations = meta.get("annotations", {})
        template = spec["template"].get("metadata", {}).get("annotations", {})
        conditions = {each["type"]: each for each in status.get("conditions", ())}
        failure = conditions.get("ReplicaFailure", {})
        return cls(
            name=meta["name"],
            uid=meta["uid"],
            resource_version=meta["resourceVersion"],
            generation=meta.get("generation", 0),
            observed_generation=status.get("observedGeneration", 0),
            wanted=spec.get("replicas", 1),
            replicas=status.get("replicas", 0),
            updated=status.get("updatedReplicas", 0),
            available=status.get("availableReplicas", 0),
            paused=bool(spec.get("paused")),
            version=annotations.get(constants.MODEL_VERSION),
            model_name=annotations.get(constants.MODEL_NAME),
            template_version=template.get(constants.MODEL_VERSION),
            claim=annotations.get(constants.CLAIM),
            previous=annotations.get(constants.PREVIOUS_VERSION),
            refused=failure.get("message", "") if failure.get("status") == "True" else "",
            pods=pods,
        )


@dataclass(frozen=True)
class Refusal:
    """The API server's answer to the action that was decided a moment ago."""

    message: str
    for_good: bool


@dataclass(frozen=True)
class Observed:
    """All that a decision about one run rests on."""

    run: TrainingRun
    train: Job | None = None
    """The Job that trains, or that checks the version which the run names."""
    promote: Job | None = None
    recall: Job | None = None
    deployment: Deployment | None = None
    rival: str | None = None
    """Name of the unfinished run that holds the claim on the Deployment."""
    before: str | None = None
    """Name of the run that has waited longer for the same Deployment."""
    ahead: int = 0
    """Runs of the namespace that have to end before this one may be admitted."""
    fresh: bool = True
    """Jobs and pods were read from the API server, and not from what the watches brought."""
    refused: Refusal | None = None
