"""The API server's answers, as errors whose class says what to do."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from trainer_operator.cluster import Call, Cluster, Session, kinds, translate
from trainer_operator.errors import (
    Changed,
    ClusterError,
    Expired,
    NotFound,
    Refused,
    Unavailable,
)


def status(message: str, *causes: str) -> str:
    details = {"causes": [{"reason": cause} for cause in causes]}
    return json.dumps({"kind": "Status", "message": message, "details": details})


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (404, status("not found"), NotFound),
        (410, status("too old"), Expired),
        (409, status("the object has been modified"), Changed),
        (409, status("Apply failed with 1 conflict", "FieldManagerConflict"), Refused),
        (422, status("invalid"), Refused),
        (400, status("bad"), Refused),
        (403, status("exceeded quota"), Refused),
        (401, status("Unauthorized"), Unavailable),
        (429, status("later"), Unavailable),
        (500, "not JSON", Unavailable),
        (503, "[]", Unavailable),
    ],
)
def test_the_class_is_the_policy(code: int, text: str, kind: type[ClusterError]) -> None:
    assert type(translate("GET /x", code, text)) is kind


@pytest.mark.parametrize(("code", "for_good"), [(403, False), (422, True), (400, True)])
def test_a_quota_may_grow_and_an_invalid_object_stays_invalid(code: int, for_good: bool) -> None:
    error = translate("POST /x", code, status("why"))
    assert isinstance(error, Refused)
    assert error.for_good is for_good
    assert error.message == "why"


def test_the_request_is_named() -> None:
    assert "GET /x: HTTP 500: broken" in str(translate("GET /x", 500, "broken"))
    assert "HTTP 502" in str(translate("GET /x", 502, ""))


class Pages:
    """A session that answers a list in pages; it writes down the queries."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = [json.dumps(page) for page in self._linked(pages)]
        self.asked: list[dict[str, Any]] = []

    @staticmethod
    def _linked(pages: tuple[list[str], ...]) -> list[dict[str, Any]]:
        last = len(pages) - 1
        return [
            {
                "metadata": {} if number == last else {"continue": f"after {number}"},
                "items": [{"metadata": {"name": name}} for name in page],
            }
            for number, page in enumerate(pages)
        ]

    async def text(self, method: str, path: str, body: object, **request: Any) -> str:
        self.asked.append({"path": path, **request["query"]})
        return self.pages.pop(0)


async def test_a_list_is_read_page_by_page() -> None:
    session = Pages(["a", "b"], ["c"], [])
    found = await Cluster(cast("Session", session)).list_pods("plant", "app=x")
    assert [each["metadata"]["name"] for each in found] == ["a", "b", "c"]
    assert [each.get("continue") for each in session.asked] == [None, "after 0", "after 1"]
    assert {each["labelSelector"] for each in session.asked} == {"app=x"}
    assert {each["limit"] for each in session.asked} == {500}


async def test_a_short_list_is_one_request() -> None:
    session = Pages(["a"])
    pages = Cluster(cast("Session", session)).pages(kinds.JOBS)
    assert [len(page) async for page, _ in pages] == [1]
    (asked,) = session.asked
    assert asked["path"] == "/apis/batch/v1/jobs"
    assert asked["labelSelector"] == "app.kubernetes.io/managed-by=trainer-operator"


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[Session]:
    """Yield a session with a server that answers everything in one way."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    (address,) = runner.addresses
    session = Session(Configuration(host=f"http://127.0.0.1:{address[1]}"))
    try:
        yield session
    finally:
        await session.close()
        await runner.cleanup()


async def test_it_waits_once_as_long_as_a_busy_server_asks_for() -> None:
    asked: list[str] = []

    async def busy_once(request: web.Request) -> web.Response:
        asked.append(request.path)
        if len(asked) == 1:
            return web.json_response({}, status=429, headers={"Retry-After": "0"})
        return web.json_response({"kind": "Job"})

    async with server(busy_once) as session:
        assert await Cluster(session).get_job("plant", "x") == {"kind": "Job"}
    assert asked == ["/apis/batch/v1/namespaces/plant/jobs/x"] * 2


async def test_a_server_that_stays_busy_is_left_alone_for_now() -> None:
    async def busy(_: web.Request) -> web.Response:
        return web.json_response({}, status=429, headers={"Retry-After": "0"})

    async with server(busy) as session:
        with pytest.raises(Unavailable):
            await Cluster(session).get_job("plant", "x")


async def test_each_call_is_told_with_its_code() -> None:
    calls: list[Call] = []

    async def missing(_: web.Request) -> web.Response:
        return web.json_response({}, status=404)

    async with server(missing) as session:
        session.told = calls.append
        assert await Cluster(session).get_run("plant", "x") is None
        await session.close()
    session._url = session._url.with_port(1)
    session._open = None
    with pytest.raises(Unavailable):
        await Cluster(session).get_run("plant", "x")
    await session.close()
    assert [call.code for call in calls] == [404, 0]
    assert {call.method for call in calls} == {"GET"}


class Lost(Exception):
    """This one may not write."""


async def test_a_fence_stops_writes_and_no_reads() -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.method)
        return web.json_response({"metadata": {}})

    def fence() -> None:
        raise Lost

    manifest = {"metadata": {"name": "x", "namespace": "plant"}}
    async with server(answer) as session:
        session.fence = fence
        cluster = Cluster(session)
        await cluster.get_job("plant", "x")
        for write in (
            cluster.create_job(manifest),
            cluster.patch_job("plant", "x", {}),
            cluster.delete_job("plant", "x", "uid"),
            cluster.write_status(manifest, {}),
            cluster.create_event(manifest),
            cluster.patch_deployment("plant", "x", {}, apply=True),
        ):
            with pytest.raises(Lost):
                await write
        assert seen == ["GET"]
        await cluster.write_lease(manifest, new=False)  # else nobody could ever hold it again
    assert seen == ["GET", "PUT"]


async def test_lines_are_whole_however_they_arrive() -> None:
    long = json.dumps({"type": "ADDED", "object": {"x": "y" * 200_000}})
    pieces = ['{"type": "BOOK', 'MARK"}\n', f"{long}\n", '{"type": "LAST"}\n', '{"cut']
    heard: list[None] = []

    async def stream(request: web.Request) -> web.StreamResponse:
        assert request.query["resourceVersion"] == "7"
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece.encode())
        return response

    async with server(stream) as session:
        changes = Cluster(session).changes(kinds.PODS, "plant", "7", 5, lambda: heard.append(None))
        types = [change["type"] async for change in changes]
    assert types == ["BOOKMARK", "ADDED", "LAST"]
    assert len(heard) >= 2


async def test_a_watch_that_is_too_old_says_so() -> None:
    async def old(_: web.Request) -> web.Response:
        return web.json_response({"message": "too old"}, status=410)

    async with server(old) as session:
        with pytest.raises(Expired):
            async for _ in Cluster(session).changes(kinds.PODS, None, "7", 5, lambda: None):
                pass
