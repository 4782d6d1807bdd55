"""Stands in for the nodes: Jobs' pods run the real job, predictors' pods get ready.

    with Kubelet(plane, folder) as kubelet:
        kubelet.secrets["plant"] = {"trainer-database": {...}}

It needs no image, no containers and no rights of root. A pod stays unbound, as no node exists.
"""

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from hack.cluster.controlplane import ControlPlane
from tests.support.gateway import Gateway
from tests.support.rest import AWAY, Object, Rest
from tests.support.zygote import Attempt, Zygote

Secrets = Mapping[str, Mapping[str, str]]

_KEY = "training.sensors.dev"


class Kubelet:
    """A node for all pods of a control plane, until the end of the ``with`` block.

    Parameters
    ----------
    plane
        The control plane.
    folder
        Where the logs of the job go.
    least
        Seconds that a Job's pod runs at least, so that it is seen running.

    Attributes
    ----------
    secrets
        Content of the Secrets, by namespace and name.
    tracking
        MLflow server that predictors load their models from.
    """

    def __init__(self, plane: ControlPlane, folder: Path, least: float = 0.8) -> None:
        self._rest = Rest(plane, "kubelet")
        self._folder = folder
        self._least = least
        self._zygote = Zygote(folder)
        self._over = threading.Event()
        self._pods: dict[str, Object] = {}
        self._attempts: dict[str, Attempt] = {}
        self.secrets: dict[str, Secrets] = {}
        self.tracking = ""

    def __enter__(self) -> "Kubelet":
        self._gateway = Gateway(self._answer)
        self._gateway.__enter__()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for attempt in list(self._attempts.values()):
            attempt.kill()
        self._gateway.__exit__(kind, error, trace)

    def kill(self, namespace: str) -> int:
        """Kill the job in all pods of a namespace, as for want of memory; return how many."""
        found = [
            attempt
            for uid, attempt in list(self._attempts.items())
            if self._pods.get(uid, {}).get("metadata", {}).get("namespace") == namespace
        ]
        for attempt in found:
            attempt.kill()
        return len(found)

    # What it is told ----------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._over.is_set():
            with suppress(*AWAY, ValueError):
                for event in self._events():
                    self._meet(event["type"], event["object"])
            self._over.wait(0.1)

    def _events(self) -> Iterator[Object]:
        query = {"watch": "true", "timeoutSeconds": "60"}
        url = f"{self._rest.url}/api/v1/pods"
        with self._rest.session.get(url, params=query, stream=True, timeout=(5, 70)) as answer:
            for line in answer.iter_lines(chunk_size=None):
                if self._over.is_set():
                    return
                yield json.loads(line)

    def _meet(self, kind: str, pod: Object) -> None:
        uid = pod["metadata"].get("uid", "")
        known = uid in self._pods
        if kind == "DELETED":
            self._pods.pop(uid, None)
            if attempt := self._attempts.get(uid):
                attempt.kill()
            return
        self._pods[uid] = pod
        if not known and pod["status"].get("phase") == "Pending":
            job = f"{_KEY}/task" in pod["metadata"].get("labels", {})
            work = self._run if job else self._serve
            threading.Thread(target=work, args=(pod,), daemon=True).start()

    # What it does -------------------------------------------------------------------------------

    def _run(self, pod: Object) -> None:
        """Run the job and report how it ended."""
        meta = pod["metadata"]
        (container,) = pod["spec"]["containers"]
        begun, started = time.monotonic(), _now()
        attempt = self._zygote.start(container["args"], self._environment(pod))
        self._attempts[meta["uid"]] = attempt
        self._report(pod, "Running", {"running": {"startedAt": started}})
        code = attempt.wait()
        self._over.wait(max(0.0, self._least - (time.monotonic() - begun)))
        del self._attempts[meta["uid"]]
        terminated = {
            "exitCode": code,
            "reason": "OOMKilled" if code == 137 else "Error" if code else "Completed",
            "message": attempt.result,
            "startedAt": started,
            "finishedAt": _now(),
        }
        self._report(pod, "Failed" if code else "Succeeded", {"terminated": terminated})

    def _serve(self, pod: Object) -> None:
        """Let a predictor's pod become ready."""
        self._over.wait(0.2)
        self._report(pod, "Running", {"running": {"startedAt": _now()}}, ready=True)

    def _report(self, pod: Object, phase: str, state: Object, *, ready: bool = False) -> None:
        meta = pod["metadata"]
        (spec,) = pod["spec"]["containers"]
        container = {
            "name": spec["name"],
            "image": spec["image"],
            "imageID": "",
            "restartCount": 0,
            "ready": ready,
            "started": ready,
            "state": state,
        }
        conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
        status = {"phase": phase, "conditions": conditions, "containerStatuses": [container]}
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        while not self._over.is_set():
            with suppress(*AWAY):
                if self._rest.merge(path, {"status": status}) < 500:  # 404: it is deleted
                    return
            self._over.wait(0.2)

    def _environment(self, pod: Object) -> dict[str, str]:
        (container,) = pod["spec"]["containers"]
        secrets = self.secrets.get(pod["metadata"]["namespace"], {})
        variables = self._ours()
        for each in container.get("env", ()):
            if "value" in each:
                variables[each["name"]] = each["value"]
            elif reference := each.get("valueFrom", {}).get("secretKeyRef"):
                value = secrets.get(reference["name"], {}).get(reference["key"])
                if value is not None:
                    variables[each["name"]] = value
        return variables

    def _ours(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_TRACKING_URI": self.tracking,
            "OMP_NUM_THREADS": "1",
            **self._gateway.environment,
        }

    # What predictors answer ---------------------------------------------------------------------

    def _answer(self, service: str, namespace: str, body: str) -> str:
        """Answer for a Service, with the version that a ready pod behind it carries."""
        for pod in list(self._pods.values()):
            meta = pod["metadata"]
            marks = meta.get("annotations", {})
            owned = meta["namespace"] == namespace and meta["name"].startswith(f"{service}-")
            if owned and _ready(pod) and f"{_KEY}/model-version" in marks:
                version = marks[f"{_KEY}/model-version"]
                model = f"models:/{marks[f'{_KEY}/model-name']}/{version}"
                return self._zygote.predict(self._ours(), model, body)
        return ""


def _ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions", ())
    return {"type": "Ready", "status": "True"} in [
        {key: each[key] for key in ("type", "status")} for each in conditions
    ]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
