"""A watch: it goes on where it was, lists anew where it must, and tells when it heard something."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

import pytest

from trainer_operator import watches
from trainer_operator.cluster import Cluster, Kind, kinds
from trainer_operator.errors import ClusterError, Expired, Unavailable
from trainer_operator.store import Key, key_of
from trainer_operator.watches import Watch

Object = dict[str, Any]
Step = Object | ClusterError


def pod(name: str, version: str = "1") -> Object:
    meta = {"name": name, "namespace": "plant", "uid": name, "resourceVersion": version}
    return {"metadata": meta}


def change(kind: str, name: str, version: str) -> Object:
    return {"type": kind, "object": pod(name, version)}


class Api:
    """An API server that plays lists and streams in their order, then is silent."""

    def __init__(self, lists: list[list[Object] | ClusterError], streams: list[list[Step]]) -> None:
        self.lists = lists
        self.streams = streams
        self.since: list[str] = []
        self.over = asyncio.Event()

    async def pages(
        self, kind: Kind, namespace: str | None
    ) -> AsyncGenerator[tuple[list[Object], str], None]:
        found = self.lists.pop(0)
        if isinstance(found, ClusterError):
            raise found
        for raw in found:
            yield [raw], "50"
        yield [], "50"

    async def changes(
        self,
        kind: Kind,
        namespace: str | None,
        version: str,
        seconds: int,
        alive: Callable[[], None],
    ) -> AsyncGenerator[Object, None]:
        self.since.append(version)
        if not self.streams:
            self.over.set()
            await asyncio.sleep(3600)
        for step in self.streams.pop(0):
            alive()
            if isinstance(step, ClusterError):
                raise step
            yield step


class Keeper:
    """Keeps what it is given."""

    def __init__(self, *known: str) -> None:
        self.objects = {Key("plant", name): pod(name, "0") for name in known}

    def known(self, namespace: str | None) -> set[Key]:
        return set(self.objects)

    def put(self, raw: Object) -> None:
        self.objects[key_of(raw)] = raw

    def delete(self, raw: Object) -> None:
        self.objects.pop(key_of(raw), None)

    def lose(self, key: Key) -> None:
        self.objects.pop(key, None)

    @property
    def names(self) -> dict[str, str]:
        return {key.name: raw["metadata"]["resourceVersion"] for key, raw in self.objects.items()}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pauses."""
    monkeypatch.setattr(watches, "_SLOWEST", 0.0)
    monkeypatch.setattr(watches, "_BREATH", 0.0)


async def played(
    keeper: Keeper, lists: list[list[Object] | ClusterError], *streams: list[Step]
) -> tuple[Api, Watch]:
    """Follow an API server until it has nothing more to say."""
    api = Api(lists, list(streams))
    watch = Watch(cast("Cluster", api), kinds.PODS, "plant", keeper)
    task = asyncio.create_task(watch.run())
    await asyncio.wait_for(api.over.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return api, watch


async def test_a_list_takes_the_place_of_what_was_known() -> None:
    keeper = Keeper("old", "gone")
    _, watch = await played(keeper, [[pod("old"), pod("new")]])
    assert keeper.names == {"old": "1", "new": "1"}
    assert watch.synced.is_set()


async def test_changes_follow_the_list() -> None:
    keeper = Keeper()
    stream: list[Step] = [
        change("ADDED", "b", "51"),
        change("MODIFIED", "a", "52"),
        change("DELETED", "b", "53"),
        change("BOOKMARK", "none", "60"),
    ]
    api, _ = await played(keeper, [[pod("a")]], stream)
    assert keeper.names == {"a": "52"}
    assert api.since == ["50", "60"]  # a bookmark is no object, and says where to go on


async def test_a_stream_that_breaks_goes_on_where_it_was() -> None:
    keeper = Keeper()
    api, _ = await played(
        keeper, [[]], [change("ADDED", "a", "51"), Unavailable("cut")], [change("ADDED", "b", "52")]
    )
    assert api.since == ["50", "51", "52"]
    assert api.lists == []
    assert set(keeper.names) == {"a", "b"}


@pytest.mark.parametrize(
    "old",
    [{"type": "ERROR", "object": {"code": 410, "message": "too old"}}, Expired("too old")],
    ids=["in the stream", "as an answer"],
)
async def test_what_is_too_old_is_listed_anew(old: Step) -> None:
    keeper = Keeper()
    api, _ = await played(keeper, [[pod("a")], [pod("b")]], [change("ADDED", "c", "51"), old])
    assert set(keeper.names) == {"b"}
    assert api.since == ["50", "50"]


async def test_a_list_that_fails_is_tried_again() -> None:
    keeper = Keeper("known")
    api, _ = await played(keeper, [Unavailable("away"), [pod("a")]])
    assert set(keeper.names) == {"a"}
    assert api.since == ["50"]


async def test_another_error_in_the_stream_is_no_reason_to_list() -> None:
    error: Step = {"type": "ERROR", "object": {"code": 500, "message": "etcd"}}
    api, _ = await played(Keeper(), [[]], [error])
    assert api.since == ["50", "50"]


async def test_it_tells_when_it_heard_something() -> None:
    time = [100.0]
    api = Api([[]], [[change("BOOKMARK", "x", "51")]])
    watch = Watch(cast("Cluster", api), kinds.PODS, None, Keeper(), lambda: time[0])
    time[0] = 160.0
    task = asyncio.create_task(watch.run())
    await asyncio.wait_for(api.over.wait(), 10)
    assert watch.alive == 160.0
    task.cancel()
