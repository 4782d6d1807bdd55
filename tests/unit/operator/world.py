"""A cluster in a few dictionaries: what the API server, its controllers and the job do.

Only what decisions can see of it, and only in the order that a test asks for. The job keeps its
records as the real one does: what an attempt has committed, each later one answers.
"""

import json
from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from tests.unit.operator.builders import NOW, Object, raw_run, result
from tests.unit.operator.served import Conflict, Served
from trainer_operator import constants
from trainer_operator.models import TrainingRun
from trainer_operator.observed import Job, Observed, Pod, Refusal
from trainer_operator.reconcile import (
    CreateJob,
    DeleteJob,
    DeleteRun,
    Hold,
    LetGo,
    PatchDeployment,
    Plan,
    ReadAgain,
    StopJob,
    SuspendJob,
)

ENDED = {"Succeeded", "Failed"}
PERMANENT = {64, 65}
"""Exit codes after which the Job makes no further attempt."""
VERSION = "2"
"""What the train Job registers."""


@dataclass
class World:
    """One run, with its Jobs and pods, and what serves.

    Attributes
    ----------
    run
        None once it is gone.
    jobs, pods
        By task; the pods of a Job that is there, the oldest first.
    committed
        What the job has recorded, by task.
    made
        Every Job's manifest that was ever created, by task.
    refusal
        What the API server answers to the next creation or patch.
    """

    run: Object | None
    served: Served
    now: datetime = NOW
    jobs: dict[str, Object] = field(default_factory=dict)
    pods: dict[str, list[Object]] = field(default_factory=dict)
    committed: dict[str, str] = field(default_factory=dict)
    made: dict[str, list[Object]] = field(default_factory=dict)
    refusal: Refusal | None = None
    rival: str | None = None
    before: str | None = None
    ahead: int = 0
    number: int = 100

    @classmethod
    def of(cls, spec: Object, version: str | None = "1") -> "World":
        """Return a world with a new run, and a Deployment that serves a version."""
        return cls(raw_run(spec), Served.of(version))

    def fresh(self) -> str:
        """Return a number that was not there before."""
        self.number += 1
        return str(self.number)

    # What is read -------------------------------------------------------------------------------

    @property
    def status(self) -> Object:
        """Return the run's status."""
        found: Object = self.run["status"] if self.run else {}
        return found

    @property
    def finished(self) -> bool:
        """Say whether the run has ended."""
        return self.status.get("phase") in ENDED

    def observe(self, refused: Refusal | None = None) -> Observed:
        """Return what a decision rests on."""
        assert self.run is not None
        tasks = {task: self._job(task) for task in ("train", "check", "promote", "recall")}
        given: dict[str, Any] = {
            **tasks,
            "train": tasks["train"] or tasks["check"],
            "deployment": self.served.view(),
            "rival": self.rival,
            "before": self.before,
            "ahead": self.ahead,
            "refused": refused,
        }
        known = {each.name for each in fields(Observed)}
        return Observed(
            TrainingRun.read(self.run),
            **{name: value for name, value in given.items() if name in known},
        )

    def _job(self, task: str) -> Job | None:
        if (raw := self.jobs.get(task)) is None:
            return None
        return Job.read(raw, tuple(Pod.read(pod) for pod in self.pods[task]))

    # What the operator does ---------------------------------------------------------------------

    def write(self, plan: Plan) -> bool:
        """Write the status where it differs; return whether it did."""
        assert self.run is not None
        status = plan.status.to_json()
        if status == TrainingRun.read(self.run).status.to_json():
            return False
        self.run = {**self.run, "status": json.loads(json.dumps(status))}
        self._touch(self.run)
        return True

    def act(self, plan: Plan) -> None:
        """Do a plan's action.

        Raises
        ------
        Conflict
            If a precondition does not hold, as the API server says it.
        """
        match plan.action:
            case CreateJob(manifest):
                self._create(manifest)
            case StopJob(name, version, why):
                job = self._named(name, version)
                marks = job["metadata"].setdefault("annotations", {})
                marks |= {constants.STOP_REASON: why.reason, constants.STOP_MESSAGE: why.message}
                self._suspend(job, True)
            case SuspendJob(name, version, on):
                self._suspend(self._named(name, version), on)
            case DeleteJob(name, uid):
                self._delete(name, uid)
            case PatchDeployment() as patch:
                self.served.patch(patch)
            case Hold():
                self._finalizers([constants.FINALIZER])
            case LetGo():
                self._finalizers([])
            case DeleteRun():
                self.delete_run()
            case ReadAgain() | None:
                pass

    def _create(self, manifest: Object) -> None:
        task = manifest["metadata"]["labels"][constants.TASK]
        if task in self.jobs:
            return
        job: Object = json.loads(json.dumps(manifest))
        uid = f"job-{self.fresh()}"
        job["metadata"] |= {"uid": uid, "creationTimestamp": self._time(), "resourceVersion": "1"}
        job["status"] = {} if job["spec"].get("suspend") else {"startTime": self._time()}
        self.jobs[task], self.pods[task] = job, []
        self.made.setdefault(task, []).append(job)

    def _named(self, name: str, version: str) -> Object:
        for job in self.jobs.values():
            if job["metadata"]["name"] == name:
                if job["metadata"]["resourceVersion"] != version:
                    raise Conflict
                return job
        raise Conflict

    def _suspend(self, job: Object, on: bool) -> None:
        job["spec"]["suspend"] = on
        self._touch(job)

    def _delete(self, name: str, uid: str) -> None:
        for task, job in list(self.jobs.items()):
            if (job["metadata"]["name"], job["metadata"]["uid"]) == (name, uid):
                self.remove_job(task)

    def _finalizers(self, names: list[str]) -> None:
        assert self.run is not None
        self.run["metadata"]["finalizers"] = names
        self._touch(self.run)
        self._collect()

    # What controllers and people do -------------------------------------------------------------

    def edit(self, **spec: object) -> None:
        """Change the run's spec."""
        if self.run is not None:
            self.run["spec"] = {**self.run["spec"], **spec}
            self.run["metadata"]["generation"] += 1
            self._touch(self.run)

    def delete_run(self) -> None:
        """Delete the run: it is gone as soon as it has no finalizer, and its Jobs with it."""
        if self.run is not None:
            self.run["metadata"].setdefault("deletionTimestamp", self._time())
            self._touch(self.run)
            self._collect()

    def _collect(self) -> None:
        assert self.run is not None
        meta = self.run["metadata"]
        if "deletionTimestamp" in meta and not meta.get("finalizers"):
            self.run = None
            self.jobs.clear()
            self.pods.clear()

    def remove_job(self, task: str) -> None:
        """Let a Job and its pods be gone."""
        self.jobs.pop(task, None)
        self.pods.pop(task, None)

    def control(self, task: str) -> None:
        """Let the Job controller do what is due for a Job."""
        job = self.jobs[task]
        pods, status = self.pods[task], job["status"]
        if status.get("conditions"):
            return
        active = [pod for pod in pods if pod["status"]["phase"] not in ENDED]
        if job["spec"].get("suspend"):
            self.pods[task] = [pod for pod in pods if pod not in active]
            status.pop("startTime", None)
        elif self._overdue(job):
            self._end(task, "Failed", "DeadlineExceeded")
        elif any(pod["status"]["phase"] == "Succeeded" for pod in pods):
            self._end(task, "Complete", "")
        elif any(_code(pod) in PERMANENT for pod in pods):
            self._end(task, "Failed", "PodFailurePolicy")
        elif len(pods) - len(active) > job["spec"]["backoffLimit"]:
            self._end(task, "Failed", "BackoffLimitExceeded")
        else:
            status.setdefault("startTime", self._time())
            if not active:
                self.pods[task].append(self._pod(job))
        self._count(task)

    def _overdue(self, job: Object) -> bool:
        begun = job["status"].get("startTime")
        limit = timedelta(seconds=job["spec"]["activeDeadlineSeconds"])
        return bool(begun) and self.now - datetime.fromisoformat(begun) >= limit

    def _end(self, task: str, kind: str, reason: str) -> None:
        ended = {"type": kind, "status": "True", "reason": reason, "message": "m"}
        self.jobs[task]["status"]["conditions"] = [ended]
        self.pods[task] = [pod for pod in self.pods[task] if pod["status"]["phase"] in ENDED]

    def _count(self, task: str) -> None:
        phases = Counter(pod["status"]["phase"] for pod in self.pods[task])
        status = self.jobs[task]["status"]
        status |= {"succeeded": phases.pop("Succeeded", 0), "failed": phases.pop("Failed", 0)}
        status["active"] = sum(phases.values())
        self._touch(self.jobs[task])

    def _pod(self, job: Object) -> Object:
        name = f"{job['metadata']['name']}-{self.fresh()}"
        meta = {"name": name, "uid": name, "creationTimestamp": self._time()}
        return {"metadata": meta, "spec": {}, "status": {"phase": "Pending"}}

    def queued(self, task: str) -> bool:
        """Say whether a Job goes through a queue of Kueue, which suspends and resumes it."""
        return constants.KUEUE_QUEUE in self.jobs[task]["metadata"]["labels"]

    def lose(self, pod: Object) -> None:
        """Let a pod be deleted whose node does not answer: it is never told to have ended."""
        pod["metadata"].setdefault("deletionTimestamp", self._time())

    def collect_pods(self, task: str) -> None:
        """Let the pods of a Job that has ended be gone."""
        if self.jobs[task]["status"].get("conditions"):
            self.pods[task] = []

    # What the job does --------------------------------------------------------------------------

    def newest(self, task: str) -> Object | None:
        """Return the pod of a Job that has not ended."""
        pods = self.pods.get(task, [])
        return pods[-1] if pods and pods[-1]["status"]["phase"] not in ENDED else None

    def start(self, pod: Object) -> None:
        """Let a pod's container run."""
        self._state(pod, "Running", {"running": {"startedAt": self._time()}})

    def hold(self, pod: Object, reason: str) -> None:
        """Let a pod's container wait."""
        if pod["status"]["phase"] == "Pending":
            self._state(pod, "Pending", {"waiting": {"reason": reason, "message": "why"}})

    def end(self, pod: Object, code: int, message: str = "", reason: str = "") -> None:
        """Let a pod's container end."""
        ended = {"exitCode": code, "reason": reason, "message": message}
        self._state(pod, "Failed" if code else "Succeeded", {"terminated": ended})

    def commit(self, task: str, outcome: str) -> str:
        """Record a decision, unless there is one; return what the job then answers."""
        assert self.run is not None
        uid = self.run["metadata"]["uid"]
        if task == "recall":
            return self.committed["train"]
        return self.committed.setdefault(task, result(outcome, uid))

    def outcomes(self, task: str) -> list[str]:
        """Return what a Job can decide, as its document says."""
        given = document(self.jobs[task])
        if task == "recall":
            return ["as it was"] if "train" in self.committed else []
        if task == "check":
            return ["Staged" if given["staged"] else "Promoted"]
        if task == "train":
            return ["Staged" if given["staged"] else "Promoted", "Rejected", "Skipped"]
        asked = given.get("promote") or {}
        if "url" not in asked:  # nobody is to be asked
            return [asked.get("outcome") or "Promoted"]
        return ["Promoted", "Superseded"] if self.served.proven(VERSION) else []

    def _state(self, pod: Object, phase: str, state: Object) -> None:
        container = {"name": constants.CONTAINER, "state": state, "lastState": {}}
        pod["status"] = {"phase": phase, "containerStatuses": [container]}

    def _touch(self, raw: Object) -> None:
        raw["metadata"]["resourceVersion"] = self.fresh()

    def _time(self) -> str:
        return self.now.isoformat()


def document(job: Object) -> Object:
    """Return the configuration that a Job's pods get."""
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (value,) = [each["value"] for each in container["env"] if each["name"] == "TRAINER_RUN"]
    found: Object = json.loads(value)
    return found


def _code(pod: Object) -> int | None:
    states = pod["status"].get("containerStatuses", [])
    code: int | None = states[0]["state"].get("terminated", {}).get("exitCode") if states else None
    return code
