"""One look: the status first and only if it differs, then the action, then when to look again."""

import asyncio
import copy
from datetime import timedelta
from typing import Any, cast

import pytest

from tests.unit.operator.builders import NOW, SETTINGS, UID, Object, admitted, raw_run, time
from trainer_job.contract import Failure
from trainer_operator import reconciler as module
from trainer_operator.cluster import Cluster
from trainer_operator.errors import Changed, ClusterError, NotFound, Refused, Unavailable
from trainer_operator.models import TrainingRunStatus
from trainer_operator.observed import Observed
from trainer_operator.reconcile import (
    Action,
    DeleteJob,
    DeleteRun,
    Hold,
    LetGo,
    Plan,
    ReadAgain,
    StopJob,
    SuspendJob,
)
from trainer_operator.reconciler import Reconciler
from trainer_operator.store import Key, Store
from trainer_operator.workqueue import WorkQueue

KEY = Key("plant", "nightly")
FINALIZER = "training.sensors.dev/rollout"


class Api:
    """A cluster in a dict; it writes down what is done to it, in order."""

    def __init__(self, *runs: Object) -> None:
        self.runs = {run["metadata"]["name"]: run for run in runs}
        self.jobs: dict[str, Object] = {}
        self.done: list[str] = []
        self.sent: list[Object] = []
        self.refusals: list[ClusterError] = []
        self.reads = 0
        self.failure: ClusterError | None = None

    async def get_run(self, namespace: str, name: str) -> Object | None:
        self.reads += 1
        return copy.deepcopy(self.runs.get(name))

    async def write_status(self, run: Object, status: Object) -> Object:
        name = run["metadata"]["name"]
        if self.failure:
            raise self.failure
        if run["metadata"]["resourceVersion"] != self.runs[name]["metadata"]["resourceVersion"]:
            raise Changed("newer")
        self.done.append(f"status {status['phase']}")
        self.runs[name] = {**run, "metadata": _next(run), "status": status}
        return copy.deepcopy(self.runs[name])

    async def patch_run(self, namespace: str, name: str, patch: Object) -> Object:
        self.sent.append(patch)
        finalizers = patch["metadata"]["finalizers"]
        run = self.runs[name]
        self.runs[name] = {**run, "metadata": {**_next(run), "finalizers": finalizers}}
        return copy.deepcopy(self.runs[name])

    async def delete_run(self, namespace: str, name: str, uid: str, version: str) -> None:
        self.done.append(f"delete {name} {version}")

    async def get_job(self, namespace: str, name: str) -> Object | None:
        return self.jobs.get(name)

    async def create_job(self, manifest: Object) -> Object:
        if self.refusals:
            raise self.refusals.pop(0)
        self.done.append(f"create {manifest['metadata']['name'].split('-')[1]}")
        meta = {"uid": "job", "creationTimestamp": NOW.isoformat(), "resourceVersion": "1"}
        made = {**manifest, "metadata": {**manifest["metadata"], **meta}}
        self.jobs[manifest["metadata"]["name"]] = made
        return copy.deepcopy(made)

    async def patch_job(self, namespace: str, name: str, patch: Object) -> Object:
        self.done.append(f"patch {name}")
        self.sent.append(patch)
        meta = {"name": name, "namespace": namespace, "uid": "job", "resourceVersion": "51"}
        return {"metadata": meta}

    async def delete_job(self, namespace: str, name: str, uid: str) -> None:
        self.done.append(f"delete {name} {uid}")
        self.jobs.pop(name, None)

    async def list_pods(self, namespace: str, selector: str) -> list[Object]:
        return []

    async def last_event(self, namespace: str, uid: str, reason: str) -> str:
        return ""

    async def create_event(self, event: Object) -> None:
        self.done.append(f"event {event['reason']}")


def _next(raw: Object) -> Object:
    return {
        **raw["metadata"],
        "resourceVersion": str(int(raw["metadata"]["resourceVersion"]) + 1),
    }


class Bench:
    """A reconciler with a cluster, and a store that knows its runs."""

    def __init__(self, *runs: Object) -> None:
        self.api = Api(*runs)
        self.store = Store()
        for run in runs:
            self.store.put_run(copy.deepcopy(run))
        self.queue = WorkQueue()
        cluster = cast("Cluster", self.api)
        self.looks = Reconciler(cluster, SETTINGS, self.store, self.queue, clock=lambda: NOW)

    async def look(self) -> float | None:
        return await self.looks.reconcile(KEY)


def planned(monkeypatch: pytest.MonkeyPatch, *plans: Plan | None) -> list[Observed]:
    """Have it decided as a test says, the last plan for ever; return what was observed."""
    seen: list[Observed] = []

    def decide(observed: Observed, *_: Any) -> Plan | None:
        seen.append(observed)
        return plans[min(len(seen), len(plans)) - 1]

    monkeypatch.setattr(module, "decide", decide)
    return seen


def acting(phase: str, action: Action | None, again: timedelta | None = None) -> Plan:
    status = TrainingRunStatus.model_validate(admitted(phase))
    return Plan(status, None, action, again)


async def test_a_new_run_gets_its_record_then_its_job() -> None:
    bench = Bench(raw_run())
    for _ in range(10):
        if await bench.look():
            break
    done = bench.api.done
    assert done[0] == "status Pending"
    assert done.count("create train") == 1
    assert done.index("create train") > 0
    assert bench.api.reads == 0  # all of it is known already
    before = list(done)
    await bench.look()
    assert bench.api.done == before


async def test_a_finished_run_costs_nothing() -> None:
    bench = Bench(raw_run(status=admitted("Succeeded", completionTime=time())))
    assert await bench.look() is None
    assert (bench.api.done, bench.api.reads) == ([], 0)


async def test_the_status_of_a_finished_run_is_never_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only a part of it is kept: to write that would lose the rest."""
    bench = Bench(raw_run(status=admitted("Succeeded", job={"name": "x"})))
    planned(monkeypatch, acting("Succeeded", DeleteRun()))
    assert await bench.look() is None
    assert bench.api.done == ["delete nightly 100"]


async def test_a_run_that_is_gone_is_forgotten() -> None:
    assert await Bench().look() is None


async def test_a_refusal_is_decided_about_at_once() -> None:
    bench = Bench(raw_run(status=admitted()))
    bench.api.refusals = [Refused("spec.x: Invalid", for_good=True)]
    await bench.look()
    assert bench.api.done == ["status Failed", "event JobRefused"]
    assert "spec.x: Invalid" in bench.api.runs["nightly"]["status"]["message"]


async def test_a_run_that_changed_meanwhile_is_read_and_not_written() -> None:
    bench = Bench(raw_run())
    bench.api.runs["nightly"]["metadata"]["resourceVersion"] = "101"
    with pytest.raises(Changed):
        await bench.look()
    assert bench.api.done == []
    bench.looks.start()
    bench.queue.add(KEY)
    await until(lambda: "status Pending" in bench.api.done)
    await bench.looks.close()
    assert bench.api.reads == 1


async def test_a_run_that_is_gone_and_still_known_is_forgotten() -> None:
    bench = Bench(raw_run())
    bench.api.failure = NotFound("gone")
    del bench.api.runs["nightly"]
    bench.looks.start()
    bench.queue.add(KEY)
    await until(lambda: bench.store.runs.get(KEY) is None)
    await bench.looks.close()


async def test_what_cannot_be_taken_back_is_decided_from_what_is_read_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(raw_run(status=admitted("Running")))
    stop = StopJob("a-job", "50", Failure(reason="ErrImagePull", message="no"))
    going_on = acting("Running", None, timedelta(seconds=7))
    for risky in (acting("Running", stop), acting("Failed", None), acting("Running", ReadAgain())):
        seen = planned(monkeypatch, risky, going_on)
        assert await bench.look() == 7
        assert [each.fresh for each in seen] == [False, True]
    assert bench.api.done == []


@pytest.mark.parametrize(
    ("action", "done", "sent"),
    [
        (
            StopJob("j", "50", Failure(reason="ErrImagePull", message="no")),
            "patch j",
            {
                "metadata": {
                    "resourceVersion": "50",
                    "annotations": {
                        "training.sensors.dev/stop-reason": "ErrImagePull",
                        "training.sensors.dev/stop-message": "no",
                    },
                },
                "spec": {"suspend": True},
            },
        ),
        (
            SuspendJob("j", "50", on=False),
            "patch j",
            {"metadata": {"resourceVersion": "50"}, "spec": {"suspend": False}},
        ),
        (DeleteJob("j", "uid"), "delete j uid", None),
        (Hold(), None, {"metadata": {"resourceVersion": "100", "finalizers": ["o", FINALIZER]}}),
        (LetGo(), None, {"metadata": {"resourceVersion": "100", "finalizers": ["o"]}}),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_an_action_carries_its_preconditions(
    monkeypatch: pytest.MonkeyPatch, action: Action, done: str | None, sent: Object | None
) -> None:
    finalizers = ["o", FINALIZER] if isinstance(action, LetGo) else ["o"]
    bench = Bench(raw_run(status=admitted("Running"), finalizers=finalizers))
    planned(monkeypatch, acting("Running", action))
    assert await bench.look() == 0
    assert bench.api.done == ([done] if done else [])
    assert bench.api.sent == ([sent] if sent else [])


async def test_a_hold_is_known_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(raw_run(status=admitted("RollingOut")))
    planned(monkeypatch, acting("RollingOut", Hold()))
    await bench.look()
    known = bench.store.runs.get(KEY)
    assert known is not None
    assert known["metadata"]["finalizers"] == [FINALIZER]


async def test_a_job_that_exists_is_looked_at_and_not_made_again() -> None:
    bench = Bench(raw_run(status=admitted()))
    await bench.look()
    bench.store.jobs.drop(next(iter(bench.store.jobs.keys())))  # as if nobody had told of it
    bench.api.refusals = [Changed("already exists")]
    await bench.look()
    assert len(bench.store.jobs) == 1
    assert bench.api.done.count("create train") == 1


@pytest.mark.parametrize(("again", "due"), [(timedelta(0), 0.1), (timedelta(minutes=3), 180)])
async def test_the_plan_says_when_to_look_again(
    monkeypatch: pytest.MonkeyPatch, again: timedelta, due: float
) -> None:
    bench = Bench(raw_run(status=admitted("Running")))
    planned(monkeypatch, acting("Running", None, again))
    assert await bench.look() == due


async def test_what_rests_is_not_looked_at_without_an_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(raw_run(status=admitted("Suspended")))
    planned(monkeypatch, acting("Suspended", None))
    assert await bench.look() is None


async def test_a_lost_event_stops_nothing() -> None:
    bench = Bench(raw_run())

    async def no_event(event: Object) -> None:
        raise Refused("forbidden", for_good=False)

    bench.api.create_event = no_event  # type: ignore[method-assign]
    assert await bench.look() == 0


async def until(look: Any) -> None:
    """Let other tasks go on until something is true."""
    for _ in range(2_000):
        if look():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it does not become true")


async def test_nothing_is_looked_at_before_it_starts() -> None:
    bench = Bench(raw_run())
    bench.queue.add(KEY)
    await asyncio.sleep(0.01)
    assert bench.api.done == []
    bench.looks.start()
    await until(lambda: bench.api.done)
    await bench.looks.close()


async def test_an_error_is_followed_by_another_look() -> None:
    bench = Bench(raw_run())
    bench.api.failure = Unavailable("away")
    bench.looks.start()
    bench.queue.add(KEY)
    await until(lambda: bench.queue.timers)
    bench.api.failure = None
    bench.queue.add(KEY)  # an event is faster than the timer
    await until(lambda: bench.api.done)
    await bench.looks.close()
    assert bench.api.runs["nightly"]["metadata"]["uid"] == UID
