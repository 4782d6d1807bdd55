"""What the watches brought, as far as a decision may need it: a cache without any input or output.

An object that was deleted does not come back: a late answer to a write, or an old page of a list,
cannot bring it to life again.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, NamedTuple

from trainer_operator import constants
from trainer_operator.models import TrainingRun
from trainer_operator.pruning import (
    finished,
    prune_deployment,
    prune_job,
    prune_pod,
    prune_run,
)

Object = dict[str, Any]
Raw = Mapping[str, Any]
_REMEMBERED = 4096
"""Deleted objects whose uid is remembered; answers are late by seconds, not by thousands."""


class Key(NamedTuple):
    """Where an object is."""

    namespace: str
    name: str


def key_of(raw: Raw) -> Key:
    """Return where an object is."""
    return Key(raw["metadata"]["namespace"], raw["metadata"]["name"])


def run_of(raw: Raw) -> Key | None:
    """Return the run that a Job or its pod belongs to."""
    name = (raw["metadata"].get("annotations") or {}).get(constants.RUN_NAME)
    return Key(raw["metadata"]["namespace"], name) if name else None


def run_uid(raw: Raw) -> str | None:
    """Return the uid of that run."""
    uid: str | None = (raw["metadata"].get("labels") or {}).get(constants.RUN_UID)
    return uid


def not_older(raw: Raw, known: Raw) -> bool:
    """Say whether an object is the known one or a newer state of it.

    Versions are numbers that grow, of every API server that keeps its objects in etcd; where they
    are not, the newest word counts.
    """
    version, other = _version(raw), _version(known)
    return not (version.isdigit() and other.isdigit()) or int(version) >= int(other)


def _version(raw: Raw) -> str:
    return str(raw["metadata"].get("resourceVersion", ""))


class Table:
    """The objects of one kind.

    Parameters
    ----------
    prune
        Returns what is kept of an object.
    group
        Returns what it is also looked up by.
    """

    def __init__(
        self, prune: Callable[[Raw], Object], group: Callable[[Raw], Hashable | None]
    ) -> None:
        self._prune = prune
        self._group = group
        self._objects: dict[Key, Object] = {}
        self._groups: dict[Hashable, dict[Key, None]] = {}
        self._gone: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Object]:
        return iter(list(self._objects.values()))

    def get(self, key: Key) -> Object | None:
        """Return an object, None where there is none."""
        return self._objects.get(key)

    def keys(self, namespace: str | None = None) -> set[Key]:
        """Return where objects are, of a namespace or of all."""
        return {key for key in self._objects if namespace in {None, key.namespace}}

    def of(self, group: Hashable) -> list[Object]:
        """Return the objects of a group."""
        return [self._objects[key] for key in self._groups.get(group, ())]

    def put(self, raw: Raw) -> bool:
        """Take over the state of an object; return whether it is news."""
        key, known = key_of(raw), self._objects.get(key_of(raw))
        uid = raw["metadata"]["uid"]
        if uid in self._gone:
            return False
        if known and known["metadata"]["uid"] == uid:
            if not not_older(raw, known) or _version(raw) == _version(known):
                return False
        elif known:  # another one of the same name
            self.drop(key)
        self._objects[key] = self._prune(raw)
        group = self._group(raw)
        if group is not None:
            self._groups.setdefault(group, {})[key] = None
        return True

    def drop(self, key: Key) -> Object | None:
        """Forget an object that may come back."""
        raw = self._objects.pop(key, None)
        group = self._group(raw) if raw else None
        if group is not None:
            members = self._groups[group]
            del members[key]
            if not members:
                del self._groups[group]
        return raw

    def delete(self, raw: Raw) -> bool:
        """Forget an object for good; return whether it was known."""
        uid, key = raw["metadata"]["uid"], key_of(raw)
        self._gone[uid] = None
        if len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]
        known = self._objects.get(key)
        if known is None or known["metadata"]["uid"] != uid:
            return False
        self.drop(key)
        return True


class Store:
    """The runs, their Jobs and pods, and the Deployments that carry a claim."""

    def __init__(self) -> None:
        self.runs = Table(prune_run, lambda raw: raw["metadata"]["namespace"])
        self.jobs = Table(prune_job, run_uid)
        self.pods = Table(prune_pod, run_uid)
        self.deployments = Table(prune_deployment, lambda raw: raw["metadata"]["namespace"])
        self._views: dict[Key, tuple[str, TrainingRun]] = {}

    def view(self, raw: Raw) -> TrainingRun:
        """Return a run as it is viewed; one that goes on is read once for each state of it."""
        key, version = key_of(raw), _version(raw)
        known = self._views.get(key)
        if known and known[0] == version and known[1].uid == raw["metadata"]["uid"]:
            return known[1]
        run = TrainingRun.read(raw)
        if not finished(raw):
            self._views[key] = version, run
        return run

    def views(self, namespace: str) -> Iterator[TrainingRun]:
        """Yield the runs of a namespace that go on."""
        return map(self.view, self.unfinished(namespace))

    def put_run(self, raw: Raw) -> bool:
        """Take over a run; of a finished one, no pod and no ended Job is kept."""
        news = self.runs.put(raw)
        if news and finished(raw):
            uid = raw["metadata"]["uid"]
            self._views.pop(key_of(raw), None)
            for pod in self.pods.of(uid):
                self.pods.drop(key_of(pod))
            for job in self.jobs.of(uid):
                if ended(job):
                    self.jobs.drop(key_of(job))
        return news

    def delete_run(self, raw: Raw) -> bool:
        """Forget a run for good; return whether it was known."""
        known = self.runs.delete(raw)
        if known:
            self._views.pop(key_of(raw), None)
        return known

    def put_job(self, raw: Raw) -> bool:
        """Take over a Job, unless it ended and its run did, too."""
        if ended(raw) and self._over(raw):
            return self.jobs.drop(key_of(raw)) is not None
        return self.jobs.put(raw)

    def put_pod(self, raw: Raw) -> bool:
        """Take over a pod of a Job, unless its run is finished."""
        if self._over(raw):
            self.pods.drop(key_of(raw))
            return False
        return self.pods.put(raw)

    def put_deployment(self, raw: Raw) -> bool:
        """Take over a Deployment that the operator wrote on; any other is only news."""
        annotations = raw["metadata"].get("annotations") or {}
        if any(key.startswith(f"{constants.GROUP}/") for key in annotations):
            self.deployments.put(raw)
        else:
            self.deployments.drop(key_of(raw))
        return True

    def unfinished(self, namespace: str | None = None) -> Iterator[Object]:
        """Yield the runs that go on, of a namespace or of all."""
        runs = self.runs if namespace is None else self.runs.of(namespace)
        return (raw for raw in runs if not finished(raw))

    def naming(self, deployment: Key) -> list[Key]:
        """Return the unfinished runs that name a Deployment."""
        return [
            key_of(raw)
            for raw in self.unfinished(deployment.namespace)
            if (raw["spec"].get("predictor") or {}).get("deployment") == deployment.name
        ]

    def _over(self, raw: Raw) -> bool:
        """Say whether the run of a Job or pod is known to have ended."""
        key = run_of(raw)
        run = self.runs.get(key) if key else None
        return run is not None and run["metadata"]["uid"] == run_uid(raw) and finished(run)


def ended(job: Raw) -> bool:
    """Say whether a raw Job makes no further attempt."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(
        each["type"] in {"Complete", "Failed"} and each.get("status") == "True"
        for each in conditions
    )
