"""A namespace with runs in it, and the parts of a cluster that are not there: kubelet and job."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hack.kubectl import Kubectl
from tests.support import crd
from tests.support.processes import wait_for

T = TypeVar("T")
Object = dict[str, Any]
MODEL = "sensor_failure_clustering"
KEY = "training.sensors.dev"


@dataclass(frozen=True)
class Plant:
    """A namespace of a control plane, and a hand for what its nodes would do."""

    kubectl: Kubectl

    # Runs --------------------------------------------------------------------------------------

    def apply(self, name: str, spec: object = None) -> str:
        """Apply a TrainingRun and return its uid."""
        self.kubectl.apply(crd.manifest(name, spec or {}))
        return str(self.run(name)["metadata"]["uid"])

    def run(self, name: str) -> Object:
        """Return a TrainingRun."""
        return self.kubectl.get("trainingrun", name)

    def status(self, name: str) -> Object:
        """Return its status."""
        status: Object = self.run(name)["status"]
        return status

    def wait(self, name: str, phase: str) -> Object:
        """Wait for a phase of a run and return the status."""
        path = f"--for=jsonpath={{.status.phase}}={phase}"
        try:
            self.kubectl("wait", f"trainingrun/{name}", path, "--timeout=60s")
        except Exception as error:
            raise AssertionError(json.dumps(self.run(name)["status"], indent=1)) from error
        return self.status(name)

    def finish(self, name: str) -> Object:
        """Wait for the end of a run and return the status."""
        condition = "--for=condition=Finished"
        try:
            self.kubectl("wait", f"trainingrun/{name}", condition, "--timeout=60s")
        except Exception as error:
            raise AssertionError(json.dumps(self.run(name)["status"], indent=1)) from error
        return self.status(name)

    # Jobs --------------------------------------------------------------------------------------

    def jobs(self, task: str = "train") -> list[Object]:
        """Return the Jobs of one task."""
        jobs: list[Object] = self.kubectl.get("jobs", f"--selector={KEY}/task={task}")["items"]
        return jobs

    def job(self, task: str = "train") -> Object:
        """Return the one Job of a task, as soon as it is there."""
        return self.eventually(lambda: self.jobs(task), f"a {task} Job")[0]

    def pod(self, task: str = "train", uid: str | None = None) -> Object:
        """Return a pod of a task, of one run or any, that has not ended; wait for it."""
        selector = f"--selector={KEY}/task={task}" + (f",{KEY}/run-uid={uid}" if uid else "")

        def pending() -> list[Object]:
            pods = self.kubectl.get("pods", selector)["items"]
            return [pod for pod in pods if pod["status"]["phase"] not in {"Failed", "Succeeded"}]

        return self.eventually(pending, f"a pod of the {task} Job")[-1]

    def set_status(self, kind: str, name: str, status: Object) -> None:
        """Merge something into an object's status."""
        patch = json.dumps({"status": status})
        self.kubectl(
            "patch", kind, name, "--subresource=status", "--type=merge", f"--patch={patch}"
        )

    def end(
        self,
        task: str = "train",
        message: str = "",
        exit_code: int = 0,
        reason: str = "",
        uid: str | None = None,
    ) -> None:
        """End the pod of a task, of one run or any, as the kubelet reports it."""
        pod = self.pod(task, uid)
        terminated = {
            "exitCode": exit_code,
            "reason": reason or ("Error" if exit_code else "Completed"),
            "message": message,
            "startedAt": "2026-01-01T00:00:00Z",
            "finishedAt": "2026-01-01T00:00:01Z",
        }
        status = {
            "phase": "Failed" if exit_code else "Succeeded",
            "containerStatuses": [container(pod, {"terminated": terminated})],
        }
        self.set_status("pod", pod["metadata"]["name"], status)

    def admit(self, task: str = "train", node_selector: dict[str, str] | None = None) -> None:
        """Let a suspended Job go on as Kueue does: it places the pods, then starts it."""
        name = self.job(task)["metadata"]["name"]
        place = {"template": {"spec": {"nodeSelector": node_selector or {}}}}
        for spec in (place, {"suspend": False}):
            patch = json.dumps({"spec": spec})
            kueue = ("--field-manager=kueue", "--type=merge", f"--patch={patch}")
            self.kubectl("patch", "job", name, *kueue)

    def hold(self, reason: str, message: str, task: str = "train") -> str:
        """Have the pod of a task wait as the kubelet reports it; return its name."""
        pod = self.pod(task)
        waiting = {"waiting": {"reason": reason, "message": message}}
        name: str = pod["metadata"]["name"]
        self.set_status("pod", name, {"containerStatuses": [container(pod, waiting)]})
        return name

    def tell(self, about: Object, reason: str, message: str) -> None:
        """Make a warning Event about an object, as the kubelet does."""
        meta = about["metadata"]
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{meta['name']}."},
            "involvedObject": {
                "kind": about["kind"],
                "namespace": meta["namespace"],
                "name": meta["name"],
                "uid": meta["uid"],
            },
            "type": "Warning",
            "reason": reason,
            "message": message,
            "lastTimestamp": "2026-01-01T00:00:00Z",
        }
        self.kubectl("create", "--filename=-", stdin=json.dumps(event))

    # The predictor -----------------------------------------------------------------------------

    def create_predictor(
        self, name: str = "sensor-predictor", version: str | None = None, replicas: int = 1
    ) -> None:
        """Make a Deployment; with a version that is in service already, if one is given."""
        self.kubectl("create", "--filename=-", stdin=json.dumps(predictor(name, replicas)))
        if version:
            self.annotate(name, version)

    def annotate(self, name: str, version: str) -> None:
        """Name a version on a Deployment and its pods, as an earlier run of the operator did."""
        annotations = {f"{KEY}/model-name": MODEL, f"{KEY}/model-version": version}
        document = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {"template": {"metadata": {"annotations": annotations}}},
        }
        manager = "--field-manager=trainer-operator"
        self.kubectl("apply", "--server-side", manager, "--filename=-", stdin=json.dumps(document))

    def scale(self, replicas: int, name: str = "sensor-predictor") -> None:
        """Change how many pods a Deployment has."""
        self.kubectl("scale", "deployment", name, f"--replicas={replicas}")

    def deployment(self, name: str = "sensor-predictor") -> Object:
        """Return a Deployment."""
        return self.kubectl.get("deployment", name)

    def annotations(self, name: str = "sensor-predictor") -> dict[str, str]:
        """Return those of our annotations that are on a Deployment, by their short name."""
        found = self.deployment(name)["metadata"].get("annotations", {})
        return short(found)

    def predictor_pods(self, version: str) -> list[Object]:
        """Return the predictor's pods that carry a version."""
        pods = self.kubectl.get("pods", "--selector=app=predictor")["items"]
        return [
            pod
            for pod in pods
            if short(pod["metadata"].get("annotations", {})).get("model-version") == version
            and "deletionTimestamp" not in pod["metadata"]
        ]

    def serve(self, version: str) -> None:
        """Have the predictor's pods of a version become ready."""
        for pod in self.eventually(lambda: self.predictor_pods(version), f"pods of {version}"):
            running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
            state = {**container(pod, running), "ready": True, "started": True}
            status = {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [state],
            }
            self.set_status("pod", pod["metadata"]["name"], status)

    def eventually(self, look: Callable[[], T | None], what: str) -> T:
        """Return what `look` finds, asked again until it is true, for a bounded time."""
        found: list[T] = []

        def ready() -> bool:
            found[:] = [value] if (value := look()) else []
            return bool(found)

        wait_for(ready, what, 60)
        return found[0]


def result(uid: str, outcome: str, version: str | None = "2", **decision: object) -> str:
    """Return what the job writes into its termination message."""
    model = {
        "name": MODEL,
        "version": version,
        "runId": "0123",
        "uri": f"models:/{MODEL}/{version}",
        "clusters": 3,
        "silhouette": 0.41,
        "f1": 0.82,
    }
    data = {
        "episodes": 117,
        "readings": 1755,
        "machines": 1,
        "since": "2026-01-01T00:00:00Z",
        "until": "2026-01-01T01:00:00Z",
    }
    reason = "AwaitingRollout" if outcome == "Staged" else f"{outcome}Reason"
    decided = {"outcome": outcome, "reason": reason, "message": f"{outcome}: why."}
    document = {"run": uid, "data": data, "decision": {**decided, **decision}}
    if version:
        document["model"] = model
    return json.dumps(document)


def failure(uid: str, reason: str, message: str) -> str:
    """Return what the job writes when it fails."""
    return json.dumps({"run": uid, "failure": {"reason": reason, "message": message}})


def container(pod: Object, state: Object) -> Object:
    """Return the status of a pod's one container."""
    (spec,) = pod["spec"]["containers"]
    return {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": state,
    }


def condition(status: Object, kind: str) -> Object:
    """Return a condition of a run."""
    (found,) = [each for each in status["conditions"] if each["type"] == kind]
    one: Object = found
    return one


def short(annotations: dict[str, str]) -> dict[str, str]:
    """Return the annotations of our group, without the group."""
    return {
        key.removeprefix(f"{KEY}/"): value
        for key, value in annotations.items()
        if key.startswith(f"{KEY}/")
    }


def predictor(name: str, replicas: int = 1) -> Object:
    """Return a Deployment that serves."""
    labels = {"app": "predictor"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "predictor", "image": "trainer/job:test"}],
                },
            },
        },
    }
