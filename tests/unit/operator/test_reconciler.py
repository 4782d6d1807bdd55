"""One look: the status first and only if it differs, then the action, then when to look again."""

import asyncio
import copy
from typing import Any, cast

import pytest

from tests.unit.operator.builders import NOW, SETTINGS, UID, Object, admitted, raw_run
from trainer_operator.cluster import Cluster
from trainer_operator.errors import Changed, ClusterError, NotFound, Refused, Unavailable
from trainer_operator.reconciler import Key, Reconciler

KEY = Key("plant", "nightly")


class Store:
    """A cluster in a dict; it writes down what is done to it, in order."""

    def __init__(self, *runs: Object) -> None:
        self.runs = {run["metadata"]["name"]: run for run in runs}
        self.jobs: dict[str, Object] = {}
        self.done: list[str] = []
        self.refusals: list[ClusterError] = []
        self.looks = 0
        self.failure: ClusterError | None = None

    async def list_runs(self, namespace: str | None = None) -> list[Object]:
        return list(self.runs.values())

    async def get_run(self, namespace: str, name: str) -> Object | None:
        self.looks += 1
        if self.failure:
            raise self.failure
        return copy.deepcopy(self.runs.get(name))

    async def write_status(self, run: Object, status: Object) -> Object:
        name = run["metadata"]["name"]
        if run["metadata"]["resourceVersion"] != self.runs[name]["metadata"]["resourceVersion"]:
            raise Changed("newer")
        self.done.append(f"status {status['phase']}")
        version = str(int(run["metadata"]["resourceVersion"]) + 1)
        metadata = {**run["metadata"], "resourceVersion": version}
        self.runs[name] = {**run, "metadata": metadata, "status": status}
        return self.runs[name]

    async def get_job(self, namespace: str, name: str) -> Object | None:
        return self.jobs.get(name)

    async def create_job(self, manifest: Object) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.done.append(f"create {manifest['metadata']['name'].split('-')[1]}")
        metadata = {**manifest["metadata"], "uid": "job", "creationTimestamp": NOW.isoformat()}
        self.jobs[metadata["name"]] = {**manifest, "metadata": metadata}

    async def list_pods(self, namespace: str, selector: str) -> list[Object]:
        return []

    async def last_event(self, namespace: str, uid: str, reason: str) -> str:
        return ""

    async def create_event(self, event: Object) -> None:
        self.done.append(f"event {event['reason']}")


def reconciler(store: Store) -> Reconciler:
    return Reconciler(cast("Cluster", store), SETTINGS, clock=lambda: NOW)


async def test_a_new_run_gets_its_record_then_its_job() -> None:
    store = Store(raw_run())
    looks = reconciler(store)
    assert await looks.reconcile(KEY) == 0
    assert store.done == ["status Pending", "event Admitted"]
    assert await looks.reconcile(KEY) == 0
    assert store.done[2:] == ["create train"]
    assert await looks.reconcile(KEY) == 0
    assert store.done[3:] == ["status Running", "event Starting"]
    assert await looks.reconcile(KEY) == SETTINGS.poll.total_seconds()
    assert store.done[5:] == []


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_a_finished_run_costs_one_look(phase: str) -> None:
    store = Store(raw_run(status=admitted(phase)))
    assert await reconciler(store).reconcile(KEY) is None
    assert store.done == []


async def test_a_run_that_is_gone_is_forgotten() -> None:
    assert await reconciler(Store()).reconcile(KEY) is None


async def test_a_refusal_is_decided_about_at_once() -> None:
    store = Store(raw_run(status=admitted()))
    store.refusals = [Refused("spec.x: Invalid", for_good=True)]
    await reconciler(store).reconcile(KEY)
    assert store.done == ["status Failed", "event JobRefused"]
    assert "spec.x: Invalid" in store.runs["nightly"]["status"]["message"]


async def test_a_run_that_changed_meanwhile_is_not_written() -> None:
    store = Store(raw_run())
    stale = copy.deepcopy(store.runs["nightly"])
    store.runs["nightly"]["metadata"]["resourceVersion"] = "101"

    async def get_stale(namespace: str, name: str) -> Object:
        return stale

    store.get_run = get_stale  # type: ignore[method-assign]
    with pytest.raises(Changed):
        await reconciler(store).reconcile(KEY)
    assert store.done == []


async def test_a_lost_event_stops_nothing() -> None:
    store = Store(raw_run())

    async def no_event(event: Object) -> None:
        raise Refused("forbidden", for_good=False)

    store.create_event = no_event  # type: ignore[method-assign]
    assert await reconciler(store).reconcile(KEY) == 0


async def until(look: Any) -> None:
    """Let other tasks go on until something is true; each turn is one round of the loop."""
    for _ in range(10_000):
        if look():
            return
        await asyncio.sleep(0)
    raise AssertionError("it does not become true")


async def test_many_wakes_are_one_task_and_one_more_look() -> None:
    store = Store(raw_run(status=admitted("Succeeded")))
    looks = reconciler(store)
    for _ in range(5):
        looks.wake(KEY)
    await until(lambda: store.looks == 1)
    await until(lambda: store.looks == 2)
    await looks.close()
    assert store.looks == 2


@pytest.mark.parametrize("error", [Unavailable("away"), NotFound("gone"), Changed("newer")])
async def test_an_error_is_followed_by_another_look(error: ClusterError) -> None:
    store = Store(raw_run())
    store.failure = error
    looks = reconciler(store)
    looks.wake(KEY)
    await until(lambda: looks._timers)
    assert KEY in looks._timers
    store.failure = None
    looks.wake(KEY)  # an event is faster than the timer
    await until(lambda: store.done)
    await looks.close()


async def test_a_resync_looks_at_what_is_not_finished() -> None:
    done = raw_run(status=admitted("Succeeded"), name="done")
    looks = reconciler(store := Store(raw_run(), done))
    await looks.resync()
    await until(lambda: store.done)
    await looks.close()
    assert store.runs["done"] == done


async def test_a_deployment_wakes_the_runs_that_name_it() -> None:
    run = raw_run({"predictor": {"deployment": "d"}}, admitted("Running"))
    store = Store(run)
    looks = reconciler(store)
    await looks.reconcile(KEY)
    before = store.looks
    looks.wake_predictor("plant", "other")
    looks.wake_predictor("elsewhere", "d")
    assert not looks._tasks
    looks.wake_predictor("plant", "d")
    await until(lambda: store.looks > before)
    await looks.close()
    assert run["metadata"]["uid"] == UID
