"""What the operator asks of the API server.

Objects go in and come out as plain JSON: the decisions are about documents, and the client's
generated models would have to be turned into them anyway.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from trainer_operator import constants
from trainer_operator.cluster import kinds
from trainer_operator.cluster.kinds import Kind
from trainer_operator.cluster.login import login
from trainer_operator.cluster.session import Session
from trainer_operator.errors import ClusterError, NotFound, Unavailable

Object = dict[str, Any]

_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_LOG_BYTES = 32 * 1024
_PAGE = 500
"""Objects that one answer holds at most."""
_EVENTS = Kind("/api/v1", "events")
_PODS = Kind("/api/v1", "pods")
_REPLICA_SETS = Kind("/apis/apps/v1", "replicasets")
_LEASES = Kind("/apis/coordination.k8s.io/v1", "leases")


class Cluster:
    """A connection to the API server."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @classmethod
    async def connect(cls) -> "Cluster":
        """Connect as KUBECONFIG says, or as the pod's service account."""
        return cls(Session(await login()))

    @property
    def address(self) -> str:
        """Return the URL of the API server."""
        return str(self.session.configuration.host)

    async def close(self) -> None:
        """Close the connections."""
        await self.session.close()

    # Lists and watches -------------------------------------------------------------------------

    async def pages(
        self, kind: Kind, namespace: str | None = None, **query: str
    ) -> AsyncGenerator[tuple[list[Object], str], None]:
        """Yield the objects of a kind page by page, each page with the version of the list."""
        page: dict[str, Any] = {**kind.query, **query, "limit": _PAGE}
        path, accept = _path(kind.root, namespace, kind.plural), kind.accept(many=True)
        while True:
            answer = await self._call("GET", path, query=page, accept=accept)
            meta = answer.get("metadata") or {}
            yield answer.get("items") or [], str(meta.get("resourceVersion", ""))
            if not (token := meta.get("continue")):
                return
            page["continue"] = token

    async def changes(
        self,
        kind: Kind,
        namespace: str | None,
        version: str,
        seconds: int,
        alive: Callable[[], None],
    ) -> AsyncGenerator[Object, None]:
        """Yield the changes of a kind since a version, for so many seconds."""
        query = {
            **kind.query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": seconds,
        }
        path, accept = _path(kind.root, namespace, kind.plural), kind.accept(many=False)
        async for line in self.session.lines(path, query, accept, alive):
            if line:
                yield _document(line, path)

    # TrainingRuns ----------------------------------------------------------------------------

    async def get_run(self, namespace: str, name: str) -> Object | None:
        """Return a TrainingRun, None where there is none."""
        return await self._get(kinds.RUNS, namespace, name)

    async def write_status(self, run: Object, status: Mapping[str, Any]) -> Object:
        """Replace the status of a run.

        Raises
        ------
        Changed
            If the run is not the one that was read.
        """
        meta = run["metadata"]
        path = _one(kinds.RUNS, meta["namespace"], meta["name"]) + "/status"
        return await self._call("PUT", path, {**run, "status": dict(status)}, manager=True)

    async def patch_run(self, namespace: str, name: str, patch: Mapping[str, Any]) -> Object:
        """Merge a patch into a run; return what came of it."""
        path = _one(kinds.RUNS, namespace, name)
        return await self._call("PATCH", path, patch, content=_MERGE, manager=True)

    async def delete_run(self, namespace: str, name: str, uid: str, version: str) -> None:
        """Delete this very run, in this very state."""
        await self._delete(
            _one(kinds.RUNS, namespace, name), {"uid": uid, "resourceVersion": version}
        )

    # Jobs and pods -----------------------------------------------------------------------------

    async def get_job(self, namespace: str, name: str) -> Object | None:
        """Return a Job, None where there is none."""
        return await self._get(kinds.JOBS, namespace, name)

    async def create_job(self, manifest: Mapping[str, Any]) -> Object:
        """Create a Job; return it.

        Raises
        ------
        Changed
            If there is one of that name.
        """
        path = _path(kinds.JOBS.root, manifest["metadata"]["namespace"], kinds.JOBS.plural)
        return await self._call("POST", path, manifest, manager=True)

    async def patch_job(self, namespace: str, name: str, patch: Mapping[str, Any]) -> Object:
        """Merge a patch into a Job; return what came of it."""
        path = _one(kinds.JOBS, namespace, name)
        return await self._call("PATCH", path, patch, content=_MERGE, manager=True)

    async def delete_job(self, namespace: str, name: str, uid: str) -> None:
        """Delete this very Job, and its pods after it."""
        await self._delete(_one(kinds.JOBS, namespace, name), {"uid": uid})

    async def list_pods(self, namespace: str, selector: str) -> list[Object]:
        """Return the pods that a label selector matches."""
        return await self._list(_PODS, namespace, labelSelector=selector)

    async def read_log(self, namespace: str, pod: str, lines: int) -> tuple[str, ...]:
        """Return the last lines of a pod's log; none where the log cannot be had."""
        path = _one(_PODS, namespace, pod) + "/log"
        query = {"tailLines": lines, "limitBytes": _LOG_BYTES}
        try:
            return tuple((await self.session.text("GET", path, query=query)).splitlines())
        except ClusterError:
            return ()

    async def last_event(self, namespace: str, uid: str, reason: str) -> str:
        """Return what the newest event of an object and reason says, "" where there is none."""
        about = f"involvedObject.uid={uid},reason={reason}"
        events = await self._list(_EVENTS, namespace, fieldSelector=about)
        newest = max(events, key=_event_time, default={})
        return str(newest.get("message", ""))

    # Deployments -------------------------------------------------------------------------------

    async def get_deployment(self, namespace: str, name: str) -> Object | None:
        """Return a Deployment, None where there is none."""
        path = _one(kinds.DEPLOYMENTS, namespace, name)
        return await self._found(path)

    async def list_replica_sets(self, namespace: str, selector: str) -> list[Object]:
        """Return the ReplicaSets that a label selector matches."""
        return await self._list(_REPLICA_SETS, namespace, labelSelector=selector)

    async def patch_deployment(
        self, namespace: str, name: str, body: Mapping[str, Any], *, apply: bool
    ) -> None:
        """Patch a Deployment: by server-side apply, never forced, or as a merge patch.

        Raises
        ------
        Changed
            If it is not the one that was read.
        Refused
            If somebody else owns a field.
        """
        path = _one(kinds.DEPLOYMENTS, namespace, name)
        await self._call("PATCH", path, body, content=_APPLY if apply else _MERGE, manager=True)

    # Events and Leases -------------------------------------------------------------------------

    async def create_event(self, event: Mapping[str, Any]) -> None:
        """Create an Event."""
        await self._call("POST", _path("/api/v1", event["metadata"]["namespace"], "events"), event)

    async def get_lease(self, namespace: str, name: str) -> Object | None:
        """Return a Lease, None where there is none."""
        return await self._get(_LEASES, namespace, name)

    async def write_lease(self, lease: Mapping[str, Any], *, new: bool) -> Object:
        """Create a Lease, or replace the one that was read; return what came of it.

        Raises
        ------
        Changed
            If somebody else wrote it meanwhile.
        """
        meta = lease["metadata"]
        path = _path(_LEASES.root, meta["namespace"], _LEASES.plural)
        if new:
            return await self._call("POST", path, lease, fenced=False)
        return await self._call("PUT", f"{path}/{meta['name']}", lease, fenced=False)

    # Requests ----------------------------------------------------------------------------------

    async def _get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        return await self._found(_one(kind, namespace, name))

    async def _found(self, path: str) -> Object | None:
        try:
            return await self._call("GET", path)
        except NotFound:
            return None

    async def _list(self, kind: Kind, namespace: str | None, **query: str) -> list[Object]:
        return [raw async for page, _ in self.pages(kind, namespace, **query) for raw in page]

    async def _delete(self, path: str, preconditions: Mapping[str, str]) -> None:
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": preconditions,
            "propagationPolicy": "Background",
        }
        await self._call("DELETE", path, options)

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        content: str = "application/json",
        accept: str = "application/json, */*",
        manager: bool = False,
        fenced: bool = True,
    ) -> Object:
        named = {"fieldManager": constants.MANAGER} if manager else {}
        asked = {**(query or {}), **named}
        text = await self.session.text(
            method, path, body, query=asked, content=content, accept=accept, fenced=fenced
        )
        return _document(text, f"{method} {path}")


def _document(text: str | bytes, what: str) -> Object:
    try:
        document: Object = json.loads(text)
    except ValueError as error:  # a proxy's page, say
        raise Unavailable(f"{what}: no JSON but {text[:100]!r}") from error
    return document


def _one(kind: Kind, namespace: str, name: str) -> str:
    return _path(kind.root, namespace, kind.plural, name)


def _path(root: str, namespace: str | None, *parts: str) -> str:
    scope = ("namespaces", namespace) if namespace else ()
    return "/".join((root, *scope, *parts))


def _event_time(event: Mapping[str, Any]) -> str:
    times = (event.get("lastTimestamp"), event.get("eventTime"))
    return str(next(filter(None, times), ""))
