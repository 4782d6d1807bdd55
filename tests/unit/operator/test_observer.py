"""What is read at a look, and what is left alone."""

from typing import cast

import pytest

from tests.unit.operator.builders import (
    NOW,
    PREDICTOR,
    SETTINGS,
    UID,
    Object,
    a_run,
    admitted,
    failure,
    result,
    rolling,
    time,
)
from trainer_operator.cluster import Cluster
from trainer_operator.models import TrainingRun
from trainer_operator.observed import Job, Observed, Pod
from trainer_operator.observer import Observer
from trainer_operator.resources.jobs import job_name
from trainer_operator.store import Store

REFERENCE: Object = {"reference": {"configMapRef": {"name": "patterns"}}}
CREATING: Object = {"waiting": {"reason": "ContainerCreating"}}


def job(name: str, *, ended: bool = False, age: float = 10) -> Object:
    """Return the Job of all pods here."""
    ends = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]
    meta = {
        "name": name,
        "namespace": "plant",
        "uid": "owner",
        "resourceVersion": "1",
        "creationTimestamp": time(age),
        "labels": {"training.sensors.dev/run-uid": UID},
    }
    return {"metadata": meta, "status": {"conditions": ends if ended else []}}


class Api:
    """A cluster with one Job or Deployment and its pods; it writes down what is asked beyond."""

    def __init__(self, *pods: Object, ended: bool = False, event: str = "") -> None:
        self.pods = list(pods)
        self.ended = ended
        self.event = event
        self.logs: dict[str, int] = {}
        self.events: list[tuple[str, str]] = []
        self.reads = 0

    async def get_job(self, namespace: str, name: str) -> Object:
        self.reads += 1
        return job(name, ended=self.ended)

    async def get_deployment(self, namespace: str, name: str) -> Object:
        meta = {"name": name, "uid": "deployment", "resourceVersion": "1"}
        spec = {"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {}}}
        return {"metadata": meta, "spec": spec}

    async def list_replica_sets(self, namespace: str, selector: str) -> list[Object]:
        owners = [{"uid": "deployment", "controller": True}]
        return [{"metadata": {"uid": "owner", "ownerReferences": owners}}]

    async def list_pods(self, namespace: str, selector: str) -> list[Object]:
        return self.pods

    async def last_event(self, namespace: str, uid: str, reason: str) -> str:
        self.events.append((uid, reason))
        return self.event

    async def read_log(self, namespace: str, pod: str, lines: int) -> tuple[str, ...]:
        self.logs[pod] = lines
        return (f"the log of {pod}",)


def raw(name: str, age: float = 10, owner: str = "owner", **states: Object) -> Object:
    """Return a pod; `state` and `lastState` are its container's."""
    state = states.get("state", {"running": {}})
    (word,) = state
    phase = {"running": "Running", "waiting": "Pending"}.get(word)
    if word == "terminated":
        phase = "Failed" if state[word]["exitCode"] else "Succeeded"
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "namespace": "plant",
            "resourceVersion": "1",
            "labels": {"training.sensors.dev/run-uid": UID},
            "creationTimestamp": time(age),
            "ownerReferences": [{"uid": owner, "controller": True}],
        },
        "status": {"phase": phase, "containerStatuses": [{"state": state, **states}]},
    }


def ended(name: str, age: float, message: str = "", code: int = 69) -> Object:
    return raw(name, age, state={"terminated": {"exitCode": code, "message": message}})


async def observe(api: Api, run: TrainingRun, *, fresh: bool, **kept: list[Object]) -> Observed:
    store = Store()
    for raw in kept.get("jobs", ()):
        store.put_job(raw)
    for raw in kept.get("pods", ()):
        store.put_pod(raw)
    observer = Observer(cast("Cluster", api), store, SETTINGS)
    return await observer.observe(run, NOW, fresh=fresh)


async def train_job(api: Api, spec: Object | None = None, *, fresh: bool = True) -> Job:
    """Return the train Job as it is read; where it is not fresh, the watches brought it all."""
    run = a_run(spec, admitted("Running"))
    known = [] if fresh else [job(job_name(run, "train"), ended=api.ended)]
    pods = [] if fresh else api.pods
    found = (await observe(api, run, fresh=fresh, jobs=known, pods=pods)).train
    assert found is not None
    return found


async def test_what_the_watches_brought_is_not_read_again() -> None:
    api = Api(raw("pod"))
    found = await train_job(api, fresh=False)
    assert [pod.name for pod in found.pods] == ["pod"]
    assert api.reads == 0


async def test_a_job_that_ended_with_an_answer_is_not_read_again() -> None:
    api = Api(ended("pod", 1, result("Rejected"), code=0), ended=True)
    await train_job(api, fresh=False)
    assert (api.reads, api.logs) == (0, {})


async def test_a_job_that_ended_without_one_is_read_with_its_pods() -> None:
    """The watch of pods may be behind that of Jobs: the answer is there, and not known yet."""
    api = Api(ended("pod", 1, result("Rejected"), code=0), ended=True)
    run = a_run(None, admitted("Running"))
    known = job(job_name(run, "train"), ended=True)
    found = (await observe(api, run, fresh=False, jobs=[known], pods=[raw("pod")])).train
    assert found is not None
    assert found.pods[-1].terminated is not None
    assert api.reads == 1


async def test_of_a_finished_run_only_what_is_left_of_it_is_seen() -> None:
    api = Api()
    run = a_run(None, admitted("Failed"))
    left = job("left")
    left["metadata"]["labels"]["training.sensors.dev/task"] = "promote"
    found = await observe(api, run, fresh=True, jobs=[left])
    assert found.promote is not None
    assert (found.train, found.deployment, api.reads) == (None, None, 0)


async def test_of_a_running_job_only_the_newest_pods_last_lines_are_read() -> None:
    api = Api(raw("new", 1), ended("old", 90), ended("older", 99, failure("X")))
    job = await train_job(api)
    assert api.logs.keys() == {"new"}
    assert job.pods[-1].log == ("the log of new",)
    assert api.logs["new"] <= 10


async def test_of_a_pod_that_ended_more_is_read_than_of_one_that_runs() -> None:
    running, over = Api(raw("pod")), Api(ended("pod", 1))
    await train_job(running)
    await train_job(over)
    assert over.logs["pod"] > running.logs["pod"]


async def test_of_an_ended_job_every_pod_is_heard_that_left_no_answer() -> None:
    pods = (
        ended("answered", 90, failure("TrackingUnavailable")),
        ended("decided", 80, result("Rejected"), code=0),
        ended("silent", 70),
        ended("garbled", 60, '{"run": "cut of'),
        ended("of-another-run", 50, result("Promoted", uid="another")),
        ended("last", 10, failure("TrackingUnavailable")),
    )
    api = Api(*pods, ended=True)
    job = await train_job(api)
    assert api.logs.keys() == {"silent", "garbled", "of-another-run", "last"}
    assert [pod.name for pod in job.pods if pod.log] == list(api.logs)


async def test_a_pod_that_waits_has_no_log() -> None:
    api = Api(raw("pod", state={"waiting": {"reason": "ImagePullBackOff"}}))
    await train_job(api)
    assert api.logs == {}


async def test_the_pods_of_another_job_are_not_looked_at() -> None:
    api = Api(raw("foreign", owner="another"))
    job = await train_job(api)
    assert (job.pods, api.logs) == ((), {})
    assert api.events == [("owner", "FailedCreate")]


async def test_a_job_without_pods_says_why() -> None:
    job = await train_job(Api(event="exceeded quota"))
    assert job.refused == "exceeded quota"


async def test_a_job_that_was_just_made_is_not_asked_why_it_has_no_pods() -> None:
    api = Api(event="exceeded quota")
    run = a_run(None, admitted("Running"))
    known = job(job_name(run, "train"), age=1)
    found = (await observe(api, run, fresh=False, jobs=[known])).train
    assert found is not None
    assert (found.refused, api.events) == ("", [])


async def test_a_missing_reference_file_is_found_in_an_event() -> None:
    api = Api(raw("pod", state=CREATING), event='configmap "patterns" not found')
    job = await train_job(api, REFERENCE)
    (waiting,) = (pod.waiting for pod in job.pods)
    assert waiting is not None
    assert (waiting.reason, waiting.message) == ("FailedMount", 'configmap "patterns" not found')
    assert api.events == [("uid-pod", "FailedMount")]


async def test_a_pod_that_is_merely_on_its_way_goes_on_waiting() -> None:
    job = await train_job(Api(raw("pod", state=CREATING)), REFERENCE)
    assert job.pods[0].creating


def mounted(pod: Object) -> Object:
    pod["status"]["conditions"] = [{"type": "PodReadyToStartContainers", "status": "True"}]
    return pod


@pytest.mark.parametrize(
    ("spec", "pod"),
    [
        ({}, raw("pod", state=CREATING)),
        (REFERENCE, raw("pod", state={"waiting": {"reason": "ImagePullBackOff"}})),
        # A mount that failed for a moment must not be blamed for a slow pull of the image.
        (REFERENCE, mounted(raw("pod", state=CREATING))),
    ],
    ids=["no file", "another trouble", "mounted"],
)
async def test_no_event_is_asked_for_where_no_file_can_be_missing(
    spec: Object, pod: Object
) -> None:
    api = Api(pod, event="configmap not found")
    await train_job(api, spec)
    assert api.events == []


async def predictor_pod(api: Api) -> Pod:
    run: TrainingRun = a_run(PREDICTOR, rolling())
    deployment = (await observe(api, run, fresh=False)).deployment
    assert deployment is not None
    (pod,) = deployment.pods
    return pod


@pytest.mark.parametrize(
    ("states", "heard"),
    [
        ({"state": {"running": {}}}, False),
        ({"state": {"waiting": {"reason": "ContainerCreating"}}}, False),
        ({"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}, True),
        ({"state": {"terminated": {"exitCode": 1}}}, True),
    ],
    ids=["starts", "waits", "crashed before", "ended"],
)
async def test_a_predictor_is_heard_where_it_crashed(states: Object, heard: bool) -> None:
    api = Api(raw("predictor", **states))
    assert bool((await predictor_pod(api)).log) is heard
    assert bool(api.logs) is heard


async def test_a_predictor_that_serves_again_is_left_alone() -> None:
    pod = raw("predictor", state={"running": {}}, lastState={"terminated": {"exitCode": 1}})
    pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    api = Api(pod)
    await predictor_pod(api)
    assert api.logs == {}
