"""Reads from the cluster what a decision about one run rests on, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trainer_job.contract import Failure
from trainer_operator import constants
from trainer_operator.cluster import Cluster
from trainer_operator.models import Phase, TrainingRun
from trainer_operator.observed import Deployment, Job, Observed, Pod, controller
from trainer_operator.reconcile.results import answered
from trainer_operator.resources.jobs import job_name

_TRAINS = {Phase.PENDING, Phase.RUNNING}
_ROLLS_OUT = {None, Phase.ROLLING_OUT, Phase.PROMOTING}
"""Phases in which the Deployment matters; None is that of a run before its admission."""
_RUNNING_LINES = 10
"""Last lines that are read of a pod that runs: they tell how far it is."""
_LAST_LINES = 50
"""Last lines that are read of a pod that ended: they tell why."""


async def observe(cluster: Cluster, run: TrainingRun) -> Observed:
    """Read the run's Jobs with their pods, and its Deployment, as far as its phase needs them."""
    phase, predictor = run.status.phase, run.spec.predictor
    train = promote = deployment = rival = None
    if phase in _TRAINS:
        train = await _job(cluster, run, constants.TRAIN)
    if phase is Phase.PROMOTING:
        promote = await _job(cluster, run, constants.PROMOTE)
    if predictor and run.rolls_out and phase in _ROLLS_OUT:
        deployment = await _deployment(cluster, run, predictor.deployment)
    if deployment and deployment.claim not in {None, run.uid}:
        rival = await _holder(cluster, run.namespace, str(deployment.claim))
    return Observed(run, train, promote, deployment, rival)


async def _job(cluster: Cluster, run: TrainingRun, task: str) -> Job | None:
    raw = await cluster.get_job(run.namespace, job_name(run, task))
    if raw is None:
        return None
    selector = f"{constants.RUN_UID}={run.uid},{constants.TASK}={task}"
    raws = await cluster.list_pods(run.namespace, selector)
    uid = raw["metadata"]["uid"]
    job = Job.read(raw, tuple(Pod.read(each) for each in raws if controller(each) == uid))
    if not job.pods:
        refused = await cluster.last_event(run.namespace, uid, "FailedCreate")
        return replace(job, refused=refused)
    *earlier, last = job.pods
    if job.ended:  # each attempt has a say in what the Job came to
        earlier = [await _ended(cluster, run, pod) for pod in earlier]
    return replace(job, pods=(*earlier, await _last(cluster, run, last)))


async def _last(cluster: Cluster, run: TrainingRun, pod: Pod) -> Pod:
    """Return the newest attempt's pod with what it tells: why it waits, or what it logs."""
    if pod.phase != "Pending":
        lines = _LAST_LINES if pod.terminated else _RUNNING_LINES
        return replace(pod, log=await cluster.read_log(run.namespace, pod.name, lines))
    if run.spec.reference is None or pod.mounted or not pod.creating:
        return pod
    # A ConfigMap that is missing keeps the pod from starting, and only an event says so.
    cause = await cluster.last_event(run.namespace, pod.uid, "FailedMount")
    return replace(pod, waiting=Failure(reason="FailedMount", message=cause)) if cause else pod


async def _ended(cluster: Cluster, run: TrainingRun, pod: Pod) -> Pod:
    """Return an earlier attempt's pod, with its log where its answer is to be looked for there."""
    if answered(pod, run.uid):
        return pod
    return replace(pod, log=await cluster.read_log(run.namespace, pod.name, _LAST_LINES))


async def _deployment(cluster: Cluster, run: TrainingRun, name: str) -> Deployment | None:
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
    pods = [await _serving(cluster, run, Pod.read(each)) for each in raws]
    return Deployment.read(raw, tuple(pods))


async def _serving(cluster: Cluster, run: TrainingRun, pod: Pod) -> Pod:
    """Return a predictor's pod, with its log where it crashed: its last words say why."""
    if pod.ready or not (pod.crashed or pod.terminated):
        return pod
    return replace(pod, log=await cluster.read_log(run.namespace, pod.name, _LAST_LINES))


async def _holder(cluster: Cluster, namespace: str, uid: str) -> str | None:
    """Return the name of the run that holds a claim, None where it is gone or finished."""
    for raw in await cluster.list_runs(namespace):
        if raw["metadata"]["uid"] == uid:
            run = TrainingRun.read(raw)
            finished = run.status.phase is not None and run.status.phase.finished
            return None if finished else run.name
    return None


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
