"""What the watches bring goes into the store, and wakes the runs that it may concern."""

from collections.abc import Callable, Mapping
from typing import Any

from trainer_operator import constants
from trainer_operator.pruning import finished
from trainer_operator.store import Key, Store, Table, ended, key_of, run_of
from trainer_operator.workqueue import Priority

Raw = Mapping[str, Any]
_RESTS = {"Succeeded", "Failed", "Suspended", "AwaitingApproval"}
Wake = Callable[[Key, int], None]


class Runs:
    """Takes over TrainingRuns.

    Parameters
    ----------
    store
        Where they are kept.
    wake
        Has a run looked at.
    limit
        Runs of a namespace that may go on at the same time; None for any number.
    """

    def __init__(self, store: Store, wake: Wake, limit: int | None = None) -> None:
        self._store = store
        self._wake = wake
        self._limit = limit

    def wake(self, raw: Raw) -> None:
        """Have a run looked at."""
        self._wake(key_of(raw), _priority(raw, raw))

    def known(self, namespace: str | None) -> set[Key]:
        """Return where runs are."""
        return self._store.runs.keys(namespace)

    def put(self, raw: Raw) -> None:
        """Take over a run; the end of one is what others may wait for."""
        key = key_of(raw)
        before = self._store.runs.get(key)
        if not self._store.put_run(raw):
            return
        if due(raw):
            self._wake(key, _priority(raw, before))
        if before is not None:
            self._left(before, raw)

    def own(self, raw: Raw) -> None:
        """Take over the answer to a write of ours: whoever wrote knows what comes next."""
        before = self._store.runs.get(key_of(raw))
        if before is None or before["metadata"]["uid"] != raw["metadata"]["uid"]:
            return  # it was deleted meanwhile
        if self._store.put_run(raw):
            self._left(before, raw)

    def delete(self, raw: Raw) -> None:
        """Forget a run."""
        before = self._store.runs.get(key_of(raw))
        if self._store.delete_run(raw) and before is not None:
            self._wake(key_of(raw), Priority.USUAL)
            self._left(before, None)

    def lose(self, key: Key) -> None:
        """Forget a run that a list no longer holds."""
        if raw := self._store.runs.get(key):
            self.delete(raw)

    def _left(self, before: Raw, after: Raw | None) -> None:
        """Wake those that waited for what a run no longer takes: a place, or its Deployment."""
        key = key_of(before)
        over = after is None or finished(after)
        predictor = (before.get("spec") or {}).get("predictor")
        if over and not finished(before) and predictor:
            for other in self._store.naming(Key(key.namespace, predictor.get("deployment", ""))):
                self._wake(other, Priority.USUAL)
        if self._limit is not None and _takes_place(before) and not _takes_place(after):
            for other in self._queued(key.namespace)[: self._limit]:
                self._wake(other, Priority.USUAL)

    def _queued(self, namespace: str) -> list[Key]:
        """Return the runs that wait for a place, the oldest first."""
        queued = [
            (each["metadata"]["creationTimestamp"], each["metadata"]["uid"], key_of(each))
            for each in self._store.unfinished(namespace)
            if each["status"].get("phase") == "Queued"
        ]
        return [key for *_, key in sorted(queued)]


class Jobs:
    """Takes over Jobs, or their pods."""

    def __init__(self, store: Store, wake: Wake, table: Table, put: Callable[[Raw], bool]) -> None:
        self._table = table
        self._put = put
        self._wake = wake
        self._store = store

    def known(self, namespace: str | None) -> set[Key]:
        """Return where they are."""
        return self._table.keys(namespace)

    def put(self, raw: Raw) -> None:
        """Take one over; the end of one is urgent."""
        if self._put(raw):
            over = ended(raw) or raw.get("status", {}).get("phase") in {"Succeeded", "Failed"}
            self._tell(raw, Priority.URGENT if over else Priority.USUAL)

    def delete(self, raw: Raw) -> None:
        """Forget one."""
        if self._table.delete(raw):
            self._tell(raw, Priority.URGENT)

    def lose(self, key: Key) -> None:
        """Forget one that a list no longer holds."""
        if raw := self._table.get(key):
            self.delete(raw)

    def _tell(self, raw: Raw, priority: int) -> None:
        if key := run_of(raw):
            self._wake(key, priority)


class Deployments:
    """Takes over the claims on Deployments, and wakes the runs that name one that changed."""

    def __init__(self, store: Store, wake: Wake) -> None:
        self._store = store
        self._wake = wake

    def known(self, namespace: str | None) -> set[Key]:
        """Return where Deployments with a claim are."""
        return self._store.deployments.keys(namespace)

    def put(self, raw: Raw) -> None:
        """Take over a Deployment."""
        self._store.put_deployment(raw)
        self._tell(key_of(raw))

    def delete(self, raw: Raw) -> None:
        """Forget a Deployment."""
        self._store.deployments.delete(raw)
        self._tell(key_of(raw))

    def lose(self, key: Key) -> None:
        """Forget one that a list no longer holds."""
        self._store.deployments.drop(key)
        self._tell(key)

    def _tell(self, key: Key) -> None:
        for run in self._store.naming(key):
            self._wake(run, Priority.USUAL)


def _takes_place(raw: Raw | None) -> bool:
    """Say whether a run counts against the limit of its namespace."""
    status = (raw.get("status") or {}) if raw else {}
    return bool(status.get("asOf")) and status.get("phase") not in _RESTS


def due(raw: Raw) -> bool:
    """Say whether a run is ever to be looked at again: it goes on, is held, or is to be deleted."""
    if not finished(raw):
        return True
    held = constants.FINALIZER in (raw["metadata"].get("finalizers") or ())
    return held or (raw.get("spec") or {}).get("ttlAfterFinished") is not None


def _priority(raw: Raw, before: Raw | None) -> int:
    if "deletionTimestamp" in raw["metadata"]:
        return Priority.URGENT
    if before is not None and before["metadata"].get("generation") != raw["metadata"].get(
        "generation"
    ):
        return Priority.URGENT  # somebody suspended it, or approved its version
    phase = (raw.get("status") or {}).get("phase")
    return Priority.USUAL if phase else Priority.NEW


class Differences:
    """Runs that a list showed in a newer state than their watch did, and since when.

    They are normal for a moment. One that stays tells of a watch that is dead and does not know.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._watched: dict[str, int] = {}
        self._open: dict[str, tuple[int, float]] = {}

    def watched(self, raw: Raw, *, deleted: bool = False) -> None:
        """Note what the watch showed."""
        uid, version = _identity(raw)
        if deleted:
            self._watched.pop(uid, None)
            self._open.pop(uid, None)
            return
        self._watched[uid] = max(version, self._watched.get(uid, 0))
        if uid in self._open and version >= self._open[uid][0]:
            del self._open[uid]

    def listed(self, raws: list[Raw]) -> None:
        """Note what a whole list showed."""
        now = self._clock()
        there = dict(map(_identity, raws))
        for uid, version in there.items():
            if self._watched.get(uid, 0) < version:
                self._open.setdefault(uid, (version, now))
        for known in (self._open, self._watched):
            for uid in [uid for uid in known if uid not in there]:
                del known[uid]

    @property
    def resource(self) -> str:
        """Return the kind whose watch it is about."""
        return constants.PLURAL

    @property
    def age(self) -> float:
        """Return since how many seconds the oldest difference has been there; 0 for none."""
        now = self._clock()
        return max((now - since for _, since in self._open.values()), default=0.0)


def _identity(raw: Raw) -> tuple[str, int]:
    version = str(raw["metadata"].get("resourceVersion", ""))
    return raw["metadata"]["uid"], int(version) if version.isdigit() else 0


def intake(store: Store, wake: Wake, limit: int | None) -> tuple[Runs, Jobs, Jobs, Deployments]:
    """Return who takes over runs, Jobs, pods and Deployments."""
    return (
        Runs(store, wake, limit),
        Jobs(store, wake, store.jobs, store.put_job),
        Jobs(store, wake, store.pods, store.put_pod),
        Deployments(store, wake),
    )
