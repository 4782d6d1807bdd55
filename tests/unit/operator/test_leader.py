"""One candidate of the election: when it leads, when it may write, and when it has lost."""

import copy
from typing import Any, cast

import pytest

from trainer_operator.cluster import Cluster
from trainer_operator.errors import Changed, Unavailable
from trainer_operator.leader import Leader

Object = dict[str, Any]


class Leases:
    """An API server with one Lease."""

    def __init__(self) -> None:
        self.lease: Object | None = None
        self.away = False

    async def get_lease(self, namespace: str, name: str) -> Object | None:
        if self.away:
            raise Unavailable("away")
        return copy.deepcopy(self.lease)

    async def write_lease(self, lease: Object, *, new: bool) -> Object:
        known = self.lease
        version = known and known["metadata"]["resourceVersion"]
        if lease["metadata"].get("resourceVersion") != version or new != (known is None):
            raise Changed("newer")
        number = str(int(version or 0) + 1)
        self.lease = {**lease, "metadata": {**lease["metadata"], "resourceVersion": number}}
        return copy.deepcopy(self.lease)

    @property
    def holder(self) -> str:
        assert self.lease is not None
        return str(self.lease["spec"]["holderIdentity"])


class Scene:
    """Candidates with one clock; a loss is written down and ends nothing."""

    def __init__(self) -> None:
        self.time = 100.0
        self.leases = Leases()
        self.lost: list[str] = []

    def candidate(self, name: str) -> Leader:
        cluster = cast("Cluster", self.leases)
        return Leader(cluster, ("ns", "lease"), name, 15, self.lost.append, lambda: self.time)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_the_first_one_leads_and_the_second_one_waits(scene: Scene) -> None:
    first, second = scene.candidate("a"), scene.candidate("b")
    await first.once()
    await second.once()
    assert (first.leads.is_set(), second.leads.is_set()) == (True, False)
    assert scene.leases.holder == "a"
    first.fence()
    assert scene.lost == []


async def test_a_silent_leader_is_followed_after_the_duration(scene: Scene) -> None:
    first, second = scene.candidate("a"), scene.candidate("b")
    await first.once()
    await second.once()
    scene.time += 15
    await second.once()
    assert not second.leads.is_set()
    scene.time += 1
    await second.once()
    assert second.leads.is_set()
    assert scene.leases.lease is not None
    assert scene.leases.lease["spec"]["leaseTransitions"] == 1
    await first.once()
    assert "held by b" in scene.lost[0]


async def test_a_leader_that_renews_stays(scene: Scene) -> None:
    first, second = scene.candidate("a"), scene.candidate("b")
    for _ in range(10):
        await first.once()
        await second.once()
        scene.time += 5
    assert not second.leads.is_set()
    first.fence()
    assert scene.lost == []


async def test_who_could_not_renew_writes_nothing_more(scene: Scene) -> None:
    """As after a process was stopped: time went on without it."""
    leader = scene.candidate("a")
    await leader.once()
    scene.time += 9
    leader.fence()
    assert scene.lost == []
    scene.time += 2
    leader.fence()
    assert len(scene.lost) == 1


async def test_one_that_never_led_may_not_write(scene: Scene) -> None:
    scene.candidate("a").fence()
    assert len(scene.lost) == 1


async def test_a_restarted_container_is_leader_at_once(scene: Scene) -> None:
    await scene.candidate("a").once()
    again = scene.candidate("a")
    await again.once()
    assert again.leads.is_set()


async def test_a_lease_that_is_given_up_is_free_at_once(scene: Scene) -> None:
    first, second = scene.candidate("a"), scene.candidate("b")
    await first.once()
    await first.release()
    assert scene.leases.holder == ""
    await second.once()
    assert second.leads.is_set()


async def test_only_the_leader_gives_it_up(scene: Scene) -> None:
    first, second = scene.candidate("a"), scene.candidate("b")
    await first.once()
    await second.release()
    assert scene.leases.holder == "a"
    scene.leases.away = True
    scene.leases.lease = None  # whatever comes of it, the process ends
    await first.release()


async def test_of_two_that_take_it_at_once_one_does(scene: Scene) -> None:
    first, second = scene.candidate("a"), scene.candidate("b")
    read = await scene.leases.get_lease("ns", "lease")
    await first.once()
    with pytest.raises(Changed):
        await second._write(read, "b")
    assert not second.leads.is_set()


async def test_silence_is_told(scene: Scene) -> None:
    leader = scene.candidate("a")
    scene.leases.away = True
    scene.time += 50
    with pytest.raises(Unavailable):
        await leader.once()
    assert leader.silence == 50
