"""What makes the probes fail, and the look at everything that heals what a watch missed."""

from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from tests.unit.operator.builders import KEY, SETTINGS, Object, admitted, raw_run
from trainer_operator import health
from trainer_operator.cluster import Cluster, Kind, kinds
from trainer_operator.intake import Differences, Runs
from trainer_operator.leader import Leader
from trainer_operator.resync import Resync
from trainer_operator.store import Key, Store
from trainer_operator.watches import Keeper, Watch

KEY_OF_RUN = Key("plant", "nightly")


class Api:
    """A cluster with runs and one Deployment."""

    def __init__(self, *runs: Object) -> None:
        self.runs = list(runs)
        self.deployment: Object | None = None
        self.patched: list[Object] = []
        self.read: list[str] = []

    async def pages(
        self, kind: Kind, namespace: str | None
    ) -> AsyncGenerator[tuple[list[Object], str], None]:
        assert kind.metadata  # whole runs would be read again and again
        yield [{"metadata": raw["metadata"]} for raw in self.runs], "99"

    async def get_run(self, namespace: str, name: str) -> Object | None:
        self.read.append(name)
        return next((raw for raw in self.runs if raw["metadata"]["name"] == name), None)

    async def get_deployment(self, namespace: str, name: str) -> Object | None:
        return self.deployment

    async def patch_deployment(
        self, namespace: str, name: str, body: Object, *, apply: bool
    ) -> None:
        self.patched.append(body)


class Scene:
    """A resync with a clock that is set by hand."""

    def __init__(self, *runs: Object) -> None:
        self.now = 0.0
        self.api = Api(*runs)
        self.store = Store()
        self.woken: list[str] = []
        self.runs = Runs(self.store, lambda key, _: self.woken.append(key.name))
        self.differences = Differences(lambda: self.now)
        cluster = cast("Cluster", self.api)
        self.resync = Resync(
            cluster, SETTINGS, self.store, self.runs, self.differences, lambda: self.now
        )


async def test_what_nobody_told_of_is_read_and_looked_at() -> None:
    scene = Scene(raw_run(status=admitted()))
    await scene.resync.once()
    assert scene.store.runs.get(KEY_OF_RUN) is not None
    assert "nightly" in scene.woken
    assert scene.api.read == ["nightly"]
    await scene.resync.once()
    assert scene.api.read == ["nightly"]  # it is known by now


async def test_a_run_that_is_gone_is_forgotten() -> None:
    scene = Scene()
    scene.store.put_run(raw_run())
    await scene.resync.once()
    assert len(scene.store.runs) == 0


async def test_a_newer_state_is_read() -> None:
    scene = Scene(raw_run(status=admitted("RollingOut"), resourceVersion="200"))
    scene.store.put_run(raw_run(status=admitted()))
    await scene.resync.once()
    known = scene.store.runs.get(KEY_OF_RUN)
    assert known is not None
    assert known["status"]["phase"] == "RollingOut"


def claimed(uid: str) -> Object:
    annotations = {f"{KEY}/run": uid, f"{KEY}/model-version": "2", f"{KEY}/model-name": "m"}
    meta = {
        "name": "d",
        "namespace": "plant",
        "uid": "d",
        "resourceVersion": "1",
        "generation": 1,
        "annotations": {**annotations, f"{KEY}/previous-version": "1"},
    }
    template = {"metadata": {"annotations": {f"{KEY}/model-version": "2"}}}
    return {"metadata": meta, "spec": {"template": template}}


@pytest.mark.parametrize(("uid", "patches"), [("gone", 1), ("alive", 0)])
async def test_the_claim_of_a_run_that_is_gone_is_taken_away(uid: str, patches: int) -> None:
    scene = Scene(raw_run(uid="alive"))
    scene.api.deployment = claimed(uid)
    scene.store.put_deployment(claimed(uid))
    await scene.resync.once()
    assert len(scene.api.patched) == patches


def test_a_watch_that_is_silent_for_long_is_dead() -> None:
    now = [0.0]
    watch = Watch(cast("Cluster", None), kinds.JOBS, None, cast("Keeper", None), lambda: now[0])
    assert health.silent([watch], None, 149) == []
    (problem,) = health.silent([watch], None, 160)
    assert "jobs has been silent for 160 s" in problem


async def test_a_resync_that_does_not_come_is_dead() -> None:
    scene = Scene()
    assert health.behind(scene.resync, scene.differences, 1000) == []  # it was never begun
    await scene.resync.once()
    assert health.behind(scene.resync, scene.differences, 149) == []
    (problem,) = health.behind(scene.resync, scene.differences, 160)
    assert "last resync was 160 s ago" in problem


async def test_a_watch_of_runs_that_misses_changes_is_dead() -> None:
    scene = Scene(raw_run(status=admitted()))
    await scene.resync.once()
    scene.now = 160
    await scene.resync.once()
    (problem,) = health.behind(scene.resync, scene.differences, 160)
    assert "trainingruns has missed a change for 160 s" in problem
    scene.differences.watched(raw_run(status=admitted()))
    assert health.behind(scene.resync, scene.differences, 160) == []


def test_it_is_ready_once_everything_is_known() -> None:
    watch = Watch(cast("Cluster", None), kinds.PODS, None, cast("Keeper", None))
    assert health.unsynced([watch]) == ["The pods are not known yet."]
    watch.synced.set()
    assert health.unsynced([watch]) == []


def test_a_lease_that_cannot_be_read_for_long_is_told() -> None:
    now = [0.0]
    cluster: Any = None
    leader = Leader(cluster, ("ns", "lease"), "a", 15, clock=lambda: now[0])
    now[0] = 45
    assert health.unheard(leader) == []
    now[0] = 46
    assert health.unheard(leader) == ["The Lease could not be read for 46 s."]
    assert health.silent([], leader, 46) == health.unheard(leader)
    assert health.unheard(None) == []
