"""The one module that talks to the API server; it turns the server's errors into ours.

Objects go in and come out as plain JSON: the decisions are about documents, and the client's
generated models would have to be turned into them anyway.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from trainer_operator import constants
from trainer_operator.errors import Changed, ClusterError, NotFound, Refused, Unavailable

Object = dict[str, Any]

_TIMEOUT = (5.0, 15.0)
"""Seconds to connect, and for the whole of a request."""
_RUNS = f"/apis/{constants.API_VERSION}"
_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_LOG_BYTES = 32 * 1024
_PAGE = 500
"""Objects that one answer holds at most."""


class Cluster:
    """A connection to the API server."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @classmethod
    async def connect(cls) -> "Cluster":
        """Connect as KUBECONFIG says, or as the pod's service account."""
        settings = Configuration()
        if os.environ.get("KUBECONFIG") or not os.environ.get("KUBERNETES_SERVICE_HOST"):
            await config.load_kube_config(client_configuration=settings)
        else:
            config.load_incluster_config(client_configuration=settings)
        return cls(ApiClient(settings))

    @property
    def address(self) -> str:
        """Return the URL of the API server."""
        return str(self._client.configuration.host)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    # TrainingRuns ----------------------------------------------------------------------------

    async def list_runs(self, namespace: str | None = None) -> list[Object]:
        """Return the TrainingRuns of a namespace, or of all."""
        return await self._list(_path(_RUNS, namespace, constants.PLURAL))

    async def get_run(self, namespace: str, name: str) -> Object | None:
        """Return a TrainingRun, None where there is none."""
        return await self._get(_path(_RUNS, namespace, constants.PLURAL, name))

    async def write_status(self, run: Object, status: Mapping[str, Any]) -> Object:
        """Replace the status of a run.

        Raises
        ------
        Changed
            If the run is not the one that was read.
        """
        meta = run["metadata"]
        path = _path(_RUNS, meta["namespace"], constants.PLURAL, meta["name"], "status")
        return await self._call("PUT", path, {**run, "status": dict(status)}, manager=True)

    # Jobs and pods -----------------------------------------------------------------------------

    async def get_job(self, namespace: str, name: str) -> Object | None:
        """Return a Job, None where there is none."""
        return await self._get(_path("/apis/batch/v1", namespace, "jobs", name))

    async def create_job(self, manifest: Mapping[str, Any]) -> None:
        """Create a Job; one of that name is left as it is."""
        path = _path("/apis/batch/v1", manifest["metadata"]["namespace"], "jobs")
        with suppress(Changed):
            await self._call("POST", path, manifest, manager=True)

    async def patch_job(self, namespace: str, name: str, patch: Mapping[str, Any]) -> None:
        """Merge a patch into a Job."""
        path = _path("/apis/batch/v1", namespace, "jobs", name)
        await self._call("PATCH", path, patch, content=_MERGE, manager=True)

    async def list_pods(self, namespace: str, selector: str) -> list[Object]:
        """Return the pods that a label selector matches."""
        return await self._list(_path("/api/v1", namespace, "pods"), labelSelector=selector)

    async def read_log(self, namespace: str, pod: str, lines: int) -> tuple[str, ...]:
        """Return the last lines of a pod's log; none where the log cannot be had."""
        path = _path("/api/v1", namespace, "pods", pod, "log")
        query = {"tailLines": lines, "limitBytes": _LOG_BYTES}
        try:
            return tuple((await self._text("GET", path, query=query)).splitlines())
        except ClusterError:
            return ()

    async def last_event(self, namespace: str, uid: str, reason: str) -> str:
        """Return what the newest event of an object and reason says, "" where there is none."""
        events = await self._list(
            _path("/api/v1", namespace, "events"),
            fieldSelector=f"involvedObject.uid={uid},reason={reason}",
        )
        newest = max(events, key=_event_time, default={})
        return str(newest.get("message", ""))

    # Deployments -------------------------------------------------------------------------------

    async def get_deployment(self, namespace: str, name: str) -> Object | None:
        """Return a Deployment, None where there is none."""
        return await self._get(_path("/apis/apps/v1", namespace, "deployments", name))

    async def list_replica_sets(self, namespace: str, selector: str) -> list[Object]:
        """Return the ReplicaSets that a label selector matches."""
        path = _path("/apis/apps/v1", namespace, "replicasets")
        return await self._list(path, labelSelector=selector)

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
        path = _path("/apis/apps/v1", namespace, "deployments", name)
        await self._call("PATCH", path, body, content=_APPLY if apply else _MERGE, manager=True)

    # Events ------------------------------------------------------------------------------------

    async def create_event(self, event: Mapping[str, Any]) -> None:
        """Create an Event."""
        path = _path("/api/v1", event["metadata"]["namespace"], "events")
        await self._call("POST", path, event)

    # Requests ----------------------------------------------------------------------------------

    async def _get(self, path: str) -> Object | None:
        try:
            return await self._call("GET", path)
        except NotFound:
            return None

    async def _list(self, path: str, **query: str) -> list[Object]:
        items: list[Object] = []
        page: dict[str, Any] = {**query, "limit": _PAGE}
        while True:
            answer = await self._call("GET", path, query=page)
            items += answer.get("items", [])
            if not (token := (answer.get("metadata") or {}).get("continue")):
                return items
            page["continue"] = token

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        content: str = "application/json",
        manager: bool = False,
    ) -> Object:
        named = {"fieldManager": constants.MANAGER} if manager else {}
        text = await self._text(
            method, path, body, query={**(query or {}), **named}, content=content
        )
        try:
            document: Object = json.loads(text)
        except ValueError as error:  # a proxy's page, say
            raise Unavailable(f"{method} {path}: no JSON but {text[:100]!r}") from error
        return document

    async def _text(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any],
        content: str = "application/json",
    ) -> str:
        request = await self._client.param_serialize(
            method=method,
            resource_path=path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json, */*", "Content-Type": content},
            body=None if body is None else dict(body),
            auth_settings=["BearerToken"],
        )
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT[1], connect=_TIMEOUT[0])
        what = f"{method} {path}"
        try:
            response = await self._client.call_api(*request, _request_timeout=timeout)
            body_read: bytes = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unavailable(f"{what}: {error or type(error).__name__}") from error
        text = body_read.decode(errors="replace")
        if response.status >= 400:
            raise translate(what, response.status, text)
        return text


def translate(what: str, status: int, text: str) -> ClusterError:
    """Return the error for an answer of the API server.

    Parameters
    ----------
    what
        The request, for people.
    status
        HTTP status, 400 or more.
    text
        Body of the answer: a Status object, as a rule.
    """
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    message = str(answer.get("message") or text[:300] or f"HTTP {status}")
    causes = (answer.get("details") or {}).get("causes") or ()
    if status == 404:
        return NotFound(f"{what}: {message}")
    if status == 409:
        if any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
            return Refused(message, for_good=True)
        return Changed(f"{what}: {message}")
    if status in {400, 413, 422}:
        return Refused(message, for_good=True)
    if status == 403:
        return Refused(message, for_good=False)
    return Unavailable(f"{what}: HTTP {status}: {message}")


def _path(root: str, namespace: str | None, *parts: str) -> str:
    scope = ("namespaces", namespace) if namespace else ()
    return "/".join((root, *scope, *parts))


def _event_time(event: Mapping[str, Any]) -> str:
    times = (event.get("lastTimestamp"), event.get("eventTime"))
    return str(next(filter(None, times), ""))
