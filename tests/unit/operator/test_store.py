"""The cache: what is news, what stays gone, and what of finished runs is not kept."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.operator.builders import KEY, Object, admitted, raw_run, time
from trainer_operator.store import Key, Store, run_of, run_uid

RUN = Key("plant", "nightly")


def job(uid: str = "job-1", version: str = "1", *, run: str = "run", over: bool = False) -> Object:
    ends = [{"type": "Complete", "status": "True"}] if over else []
    return {
        "metadata": {
            "name": "train",
            "namespace": "plant",
            "uid": uid,
            "resourceVersion": version,
            "creationTimestamp": time(),
            "labels": {f"{KEY}/run-uid": run},
            "annotations": {f"{KEY}/run-name": "nightly"},
        },
        "spec": {"template": {"spec": {}}},
        "status": {"conditions": ends},
    }


def run(version: str = "1", phase: str = "Running", **meta: Any) -> Object:
    return raw_run(status=admitted(phase), uid="run", **{"resourceVersion": version, **meta})


def test_only_a_newer_state_is_news() -> None:
    store = Store()
    assert store.put_run(run("9"))
    assert not store.put_run(run("9", "Pending"))
    assert not store.put_run(run("8", "Pending"))
    assert store.put_run(run("10", "RollingOut"))  # 10 is more than 9, also as a number
    kept = store.runs.get(RUN)
    assert kept is not None
    assert kept["status"]["phase"] == "RollingOut"


def test_versions_that_are_no_numbers_are_taken_as_they_come() -> None:
    store = Store()
    store.put_run(run("b"))
    assert store.put_run(run("a"))
    assert not store.put_run(run("a"))


def test_what_is_gone_does_not_come_back() -> None:
    store = Store()
    store.put_run(run("1"))
    assert store.delete_run(run("2"))
    assert not store.put_run(run("3"))
    assert store.runs.get(RUN) is None
    assert not store.delete_run(run("2"))


def test_another_object_of_the_same_name_takes_the_place() -> None:
    store = Store()
    store.put_job(job("old", "9", run="a"))
    assert store.put_job(job("new", "1", run="b"))
    assert store.jobs.of("a") == []
    assert [each["metadata"]["uid"] for each in store.jobs.of("b")] == ["new"]
    assert not store.jobs.delete(job("old"))
    assert len(store.jobs) == 1


def test_of_a_finished_run_nothing_is_kept_but_a_job_that_goes_on() -> None:
    store = Store()
    store.put_run(run("1"))
    store.put_job(job("job-1"))
    pod = {**job("pod-1"), "status": {"phase": "Running"}}
    store.put_pod(pod)
    store.put_run(run("2", "Succeeded"))
    assert len(store.pods) == 0
    assert len(store.jobs) == 1
    store.put_job(job("job-1", "2", over=True))
    assert len(store.jobs) == 0
    assert not store.put_pod(pod)
    assert not store.put_job(job("job-1", "3", over=True))
    assert (len(store.jobs), len(store.pods)) == (0, 0)


def test_the_end_of_a_run_takes_its_ended_job_away() -> None:
    store = Store()
    store.put_run(run("1"))
    store.put_job(job(over=True))
    store.put_run(run("2", "Failed"))
    assert len(store.jobs) == 0


def test_a_job_of_an_older_run_of_the_same_name_is_not_the_finished_ones() -> None:
    store = Store()
    store.put_run(run("1", "Succeeded"))
    assert store.put_job(job(run="another", over=True))


def test_a_run_is_viewed_once_for_each_state() -> None:
    store = Store()
    store.put_run(run("1"))
    first = store.view(store.runs.get(RUN) or {})
    assert store.view(store.runs.get(RUN) or {}) is first
    store.put_run(run("2", "RollingOut"))
    assert store.view(store.runs.get(RUN) or {}).status.phase == "RollingOut"
    assert [each.uid for each in store.views("plant")] == ["run"]
    store.put_run(run("3", "Failed"))
    assert list(store.views("plant")) == []


def test_only_claims_on_deployments_are_kept() -> None:
    store = Store()
    meta: Object = {"name": "d", "namespace": "plant", "uid": "d", "resourceVersion": "1"}
    store.put_deployment({"metadata": meta})
    assert len(store.deployments) == 0
    claim = {f"{KEY}/run": "run", "other": "x"}
    store.put_deployment({"metadata": {**meta, "annotations": claim, "resourceVersion": "2"}})
    (kept,) = store.deployments
    assert kept["metadata"]["annotations"] == {f"{KEY}/run": "run"}
    store.put_deployment({"metadata": {**meta, "resourceVersion": "3"}})
    assert len(store.deployments) == 0


def test_runs_are_found_by_the_deployment_they_name() -> None:
    store = Store()
    store.put_run(raw_run({"predictor": {"deployment": "d"}}, admitted("Running")))
    assert store.naming(Key("plant", "d")) == [RUN]
    assert store.naming(Key("plant", "e")) == store.naming(Key("elsewhere", "d")) == []


def test_a_job_names_its_run() -> None:
    assert run_of(job()) == RUN
    assert run_uid(job()) == "run"
    stranger: Object = {"metadata": {"name": "x", "namespace": "plant"}}
    assert (run_of(stranger), run_uid(stranger)) == (None, None)


changes = st.lists(
    st.tuples(st.sampled_from(["put", "delete"]), st.integers(1, 6), st.integers(0, 30)),
    max_size=40,
)


@given(changes)
def test_it_ends_with_the_newest_state_of_what_lives(history: list[tuple[str, int, int]]) -> None:
    """Whatever the order: the newest version of each uid counts, and deletion is for good."""
    store, newest, gone = Store(), dict[int, int](), set[int]()
    for change, number, version in history:
        raw = job(f"uid-{number}", str(version), run=f"run-{number}")
        raw["metadata"]["name"] = f"train-{number}"
        if change == "delete":
            store.jobs.delete(raw)
            gone.add(number)
            newest.pop(number, None)
        else:
            store.put_job(raw)
            if number not in gone:
                newest[number] = max(version, newest.get(number, version))
    kept = {int(raw["metadata"]["uid"][4:]): raw for raw in store.jobs}
    versions = {number: int(raw["metadata"]["resourceVersion"]) for number, raw in kept.items()}
    assert versions == newest
    for number in range(1, 7):
        assert len(store.jobs.of(f"run-{number}")) == (number in newest)
