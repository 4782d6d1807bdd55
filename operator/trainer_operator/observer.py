"""Gathers what a decision about one run rests on: from the store, and beyond it what it must.

What the watches brought may be old. It is good enough to go on with; where it says that a Job
ended without an answer, or where `fresh` is asked for, the API server is asked instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from trainer_job.contract import Failure
from trainer_operator import constants
from trainer_operator.cluster import Cluster
from trainer_operator.models import Phase, TrainingRun
from trainer_operator.observed import Deployment, Job, Observed, Pod, controller
from trainer_operator.pruning import finished
from trainer_operator.reconcile import queueing, rollout
from trainer_operator.reconcile.results import answered, failure_of, result_of
from trainer_operator.resources.jobs import first_task, job_name
from trainer_operator.settings import Settings
from trainer_operator.store import Key, Store

_TRAINS = {Phase.PENDING, Phase.RUNNING, Phase.SUSPENDED}
_ROLLS_OUT = {None, Phase.QUEUED, Phase.SUSPENDED, Phase.ROLLING_OUT, Phase.PROMOTING}
"""Phases in which the Deployment matters; None is that of a run before its admission."""
_RUNNING_LINES = 10
"""Last lines that are read of a pod that runs: they tell how far it is."""
_LAST_LINES = 50
"""Last lines that are read of a pod that ended: they tell why."""
_SLOW = timedelta(seconds=2)
"""Age at which a Job without pods, or a pod that is still made, is asked for its Events."""


@dataclass(frozen=True)
class Observer:
    """Observes runs.

    Parameters
    ----------
    cluster
        The API server.
    store
        What the watches brought.
    settings
        The operator's.
    """

    cluster: Cluster
    store: Store
    settings: Settings

    async def observe(self, run: TrainingRun, now: datetime, *, fresh: bool = False) -> Observed:
        """Return the run with its Jobs and their pods, and its Deployment, as its phase needs."""
        phase = run.status.phase
        if phase and phase.finished:
            return self._remains(run)
        look = _Look(self, run, now, fresh)
        train = recall = promote = deployment = None
        if phase in _TRAINS:
            train = await look.job(first_task(run))
            if train and train.ended and not train.pods:
                recall = await look.job(constants.RECALL)
        if phase is Phase.PROMOTING:
            promote = await look.job(constants.PROMOTE)
        if run.rolls_out and phase in _ROLLS_OUT:
            deployment = await look.deployment()
        return Observed(
            run,
            train=train,
            recall=recall,
            promote=promote,
            deployment=deployment,
            rival=self._rival(run, deployment),
            before=self._before(run),
            ahead=self._ahead(run),
            fresh=fresh,
        )

    def _remains(self, run: TrainingRun) -> Observed:
        """Return a finished run with those of its Jobs that have not ended."""
        jobs = {
            raw["metadata"]["labels"].get(constants.TASK): Job.read(raw)
            for raw in self.store.jobs.of(run.uid)
        }
        train = jobs.get(constants.TRAIN) or jobs.get(constants.CHECK)
        promote, recall = jobs.get(constants.PROMOTE), jobs.get(constants.RECALL)
        return Observed(run, train=train, promote=promote, recall=recall, fresh=False)

    def _rival(self, run: TrainingRun, deployment: Deployment | None) -> str | None:
        """Return the name of the unfinished run that holds the claim."""
        if deployment is None or deployment.claim in {None, run.uid}:
            return None
        for raw in self.store.runs.of(run.namespace):
            if raw["metadata"]["uid"] == deployment.claim:
                return None if finished(raw) else str(raw["metadata"]["name"])
        return None

    def _before(self, run: TrainingRun) -> str | None:
        begun = run.status.rollout and run.status.rollout.start_time
        if run.status.phase is not Phase.ROLLING_OUT or begun:
            return None
        return rollout.before(run, self.store.views(run.namespace))

    def _ahead(self, run: TrainingRun) -> int:
        limit = self.settings.max_concurrent_runs
        if run.status.as_of is not None or limit is None:
            return 0
        return queueing.ahead(run, self.store.views(run.namespace), limit)


@dataclass(frozen=True)
class _Look:
    """One look at one run."""

    observer: Observer
    run: TrainingRun
    now: datetime
    fresh: bool

    async def job(self, task: str) -> Job | None:
        """Return a Job of the run with its pods and what they tell."""
        job = await self._read(task, fresh=self.fresh)
        if job and job.ended and not self.fresh and not _decided(job, self.run):
            # The pods come by a watch of their own: theirs may be behind the Job's.
            job = await self._read(task, fresh=True)
        if job is None or job.pods:
            return job and await self._heard(job)
        if job.ended or job.suspended or self.now - job.created < _SLOW:
            return job
        cluster, namespace = self.observer.cluster, self.run.namespace
        refused = await cluster.last_event(namespace, job.uid, "FailedCreate")
        return replace(job, refused=refused)

    async def _read(self, task: str, *, fresh: bool) -> Job | None:
        run, store, cluster = self.run, self.observer.store, self.observer.cluster
        name = job_name(run, task)
        if not fresh:
            raw = store.jobs.get(Key(run.namespace, name))
            pods = store.pods.of(run.uid) if raw else []
        else:
            raw = await cluster.get_job(run.namespace, name)
            selector = f"{constants.RUN_UID}={run.uid},{constants.TASK}={task}"
            pods = await cluster.list_pods(run.namespace, selector) if raw else []
        if raw is None:
            return None
        uid = raw["metadata"]["uid"]
        return Job.read(raw, tuple(Pod.read(each) for each in pods if controller(each) == uid))

    async def _heard(self, job: Job) -> Job:
        *earlier, last = job.pods
        if job.ended:  # each attempt has a say in what the Job came to
            earlier = [await self._ended(pod) for pod in earlier]
        return replace(job, pods=(*earlier, await self._last(last)))

    async def _last(self, pod: Pod) -> Pod:
        """Return the newest attempt's pod with what it tells: why it waits, or what it logs."""
        if pod.phase != "Pending":
            return await self._log(pod)
        slow = self.now - pod.created >= _SLOW
        if self.run.spec.reference is None or pod.mounted or not (pod.creating and slow):
            return pod
        # A ConfigMap that is missing keeps the pod from starting, and only an event says so.
        cluster = self.observer.cluster
        cause = await cluster.last_event(self.run.namespace, pod.uid, "FailedMount")
        why = Failure(reason="FailedMount", message=cause)
        return replace(pod, waiting=why) if cause else pod

    async def _log(self, pod: Pod) -> Pod:
        """Return a pod with its log, unless that would tell nothing that is written down."""
        if pod.terminated:
            decided = answered(pod, self.run.uid) and not failure_of(pod, self.run.uid)
            return pod if decided else await self._with_log(pod, _LAST_LINES)
        settle = self.observer.settings.settle
        if pod.started and self.now - pod.started < settle:
            return pod
        return await self._with_log(pod, _RUNNING_LINES)

    async def _ended(self, pod: Pod) -> Pod:
        """Return an earlier attempt's pod, with its log where its answer is to be looked for."""
        return pod if answered(pod, self.run.uid) else await self._with_log(pod, _LAST_LINES)

    async def _with_log(self, pod: Pod, lines: int) -> Pod:
        cluster = self.observer.cluster
        return replace(pod, log=await cluster.read_log(self.run.namespace, pod.name, lines))

    async def deployment(self) -> Deployment | None:
        """Return the Deployment, read anew: its patches are bound to what was read."""
        cluster, run = self.observer.cluster, self.run
        name = run.spec.predictor.deployment if run.spec.predictor else ""
        raw = await cluster.get_deployment(run.namespace, name)
        if raw is None:
            return None
        if run.status.phase is not Phase.ROLLING_OUT:
            return Deployment.read(raw)
        selector = label_selector(raw["spec"]["selector"])
        own = {
            each["metadata"]["uid"]
            for each in await cluster.list_replica_sets(run.namespace, selector)
            if controller(each) == raw["metadata"]["uid"]
        }
        raws = [
            each
            for each in await cluster.list_pods(run.namespace, selector)
            if controller(each) in own and "deletionTimestamp" not in each["metadata"]
        ]
        return Deployment.read(raw, tuple([await self._serving(Pod.read(each)) for each in raws]))

    async def _serving(self, pod: Pod) -> Pod:
        """Return a predictor's pod, with its log where it crashed: its last words say why."""
        if pod.ready or not (pod.crashed or pod.terminated):
            return pod
        return await self._with_log(pod, _LAST_LINES)


def _decided(job: Job, run: TrainingRun) -> bool:
    result = result_of(job, run.uid)
    return result is not None and result.decision is not None


def label_selector(selector: Mapping[str, Any]) -> str:
    """Return a Deployment's selector in the form of a query."""
    parts = [f"{key}={value}" for key, value in selector.get("matchLabels", {}).items()]
    for each in selector.get("matchExpressions", ()):
        key, values = each["key"], ",".join(each.get("values", ()))
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[each["operator"]]
        )
    return ",".join(parts)
