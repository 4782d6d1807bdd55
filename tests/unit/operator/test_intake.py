"""Who is woken by what, and how urgently."""

from typing import Any

from tests.unit.operator.builders import KEY, Object, admitted, raw_run, rolling, time
from trainer_operator.intake import Differences, due, intake
from trainer_operator.store import Key, Store
from trainer_operator.workqueue import Priority

NIGHTLY = Key("plant", "nightly")


class Scene:
    """A store with those who fill it; it writes down who is woken."""

    def __init__(self, limit: int | None = None) -> None:
        self.store = Store()
        self.woken: list[tuple[str, int]] = []
        self.runs, self.jobs, self.pods, self.deployments = intake(self.store, self._wake, limit)

    def _wake(self, key: Key, priority: int) -> None:
        self.woken.append((key.name, priority))

    def taken(self) -> list[tuple[str, int]]:
        woken, self.woken = self.woken, []
        return woken


def run(name: str = "nightly", status: Object | None = None, **more: Any) -> Object:
    spec, version = more.pop("spec", None), more.pop("version", "1")
    meta = {"name": name, "uid": name, "resourceVersion": version, **more}
    return raw_run(spec, status, **meta)


def child(name: str = "child", version: str = "1", **status: object) -> Object:
    meta = {
        "name": name,
        "namespace": "plant",
        "uid": name,
        "resourceVersion": version,
        "labels": {f"{KEY}/run-uid": "nightly"},
        "annotations": {f"{KEY}/run-name": "nightly"},
    }
    return {"metadata": meta, "status": status}


def test_new_runs_come_last() -> None:
    scene = Scene()
    scene.runs.put(run())
    assert scene.taken() == [("nightly", Priority.NEW)]
    scene.runs.put(run(status=admitted(), version="2"))
    assert scene.taken() == [("nightly", Priority.USUAL)]


def test_a_change_by_hand_and_a_deletion_are_urgent() -> None:
    scene = Scene()
    scene.runs.put(run(status=admitted()))
    scene.taken()
    scene.runs.put(run(status=admitted(), generation=2, version="2"))
    assert scene.taken() == [("nightly", Priority.URGENT)]
    scene.runs.put(run(status=admitted(), generation=2, version="3", deletionTimestamp=time()))
    assert scene.taken() == [("nightly", Priority.URGENT)]


def test_what_is_known_already_wakes_nobody() -> None:
    scene = Scene()
    scene.runs.put(run(status=admitted()))
    scene.taken()
    scene.runs.own(run(status=admitted("Running"), version="2"))
    assert scene.taken() == []
    scene.runs.put(run(status=admitted("Running"), version="2"))  # the watch tells of it, too
    assert scene.taken() == []
    scene.runs.own(run("stranger"))
    assert scene.store.runs.get(Key("plant", "stranger")) is None


def test_a_finished_run_is_looked_at_only_where_something_is_left_to_do() -> None:
    over = admitted("Succeeded")
    assert not due(run(status=over))
    assert due(run(status=over, spec={"ttlAfterFinished": "1h"}))
    assert due(run(status=over, finalizers=[f"{KEY}/rollout"]))
    scene = Scene()
    scene.runs.put(run(status=over))
    assert scene.taken() == []


def test_the_end_of_a_job_and_of_a_pod_is_urgent() -> None:
    scene = Scene()
    scene.jobs.put(child(conditions=[]))
    scene.pods.put(child(phase="Running"))
    assert scene.taken() == [("nightly", Priority.USUAL)] * 2
    scene.jobs.put(child(version="2", conditions=[{"type": "Failed", "status": "True"}]))
    scene.pods.put(child(version="2", phase="Succeeded"))
    scene.pods.delete(child(version="3"))
    assert scene.taken() == [("nightly", Priority.URGENT)] * 3
    scene.pods.delete(child(version="3"))
    scene.pods.put(child(version="2"))
    assert scene.taken() == []


def test_a_deployment_wakes_the_runs_that_name_it() -> None:
    scene = Scene()
    scene.runs.put(run(status=rolling(), spec={"predictor": {"deployment": "d"}}))
    scene.runs.put(run("other", status=rolling(), spec={"predictor": {"deployment": "e"}}))
    scene.taken()
    meta: Object = {"name": "d", "namespace": "plant", "uid": "d", "resourceVersion": "1"}
    scene.deployments.put({"metadata": meta})
    scene.deployments.lose(Key("plant", "d"))
    scene.deployments.delete({"metadata": meta})
    assert scene.taken() == [("nightly", Priority.USUAL)] * 3


def test_the_end_of_a_run_wakes_who_waits_for_the_same_deployment() -> None:
    scene = Scene()
    spec = {"predictor": {"deployment": "d"}}
    scene.runs.put(run("first", status=rolling(), spec=spec))
    scene.runs.put(run("second", status=rolling(), spec=spec))
    scene.taken()
    scene.runs.own(run("first", status=admitted("Failed"), spec=spec, version="2"))
    assert scene.taken() == [("second", Priority.USUAL)]


def test_the_end_of_a_run_wakes_as_many_as_may_take_its_place() -> None:
    scene = Scene(limit=2)
    scene.runs.put(run("first", status=admitted()))
    for age, name in ((10, "c"), (30, "a"), (20, "b")):
        queued = {"phase": "Queued"}
        scene.runs.put(run(name, status=queued, creationTimestamp=time(age)))
    scene.taken()
    scene.runs.delete(run("first", version="9"))
    assert scene.taken() == [
        ("first", Priority.USUAL),
        ("a", Priority.USUAL),
        ("b", Priority.USUAL),
    ]


def test_what_a_list_no_longer_holds_is_gone() -> None:
    scene = Scene()
    scene.runs.put(run())
    scene.jobs.put(child())
    assert scene.runs.known("plant") == {NIGHTLY}
    scene.runs.lose(NIGHTLY)
    scene.jobs.lose(Key("plant", "child"))
    assert (len(scene.store.runs), len(scene.store.jobs)) == (0, 0)
    assert scene.runs.known(None) == set()


def test_a_difference_that_stays_tells_of_a_dead_watch() -> None:
    now = [0.0]
    differences = Differences(lambda: now[0])
    differences.watched(run(version="1"))
    differences.listed([run(version="1")])
    assert differences.age == 0
    differences.listed([run(version="5"), run("new", version="6")])
    now[0] = 40
    assert differences.age == 40
    differences.watched(run(version="5"))
    assert differences.age == 40  # the new one is still not told of
    differences.watched(run("new", version="7"))
    assert differences.age == 0


def test_a_difference_ends_with_the_object() -> None:
    now = [0.0]
    differences = Differences(lambda: now[0])
    differences.listed([run("a", version="5"), run("b", version="5")])
    now[0] = 10
    differences.watched(run("a", version="6"), deleted=True)
    assert differences.age == 10
    differences.listed([])
    assert differences.age == 0
