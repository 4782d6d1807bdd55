"""Reads from the cluster what a decision about one run rests on, and nothing else."""

from collections.abc import Mapping
from typing import Any

from trainer_operator import constants
from trainer_operator.cluster import Cluster
from trainer_operator.models import Phase, TrainingRun
from trainer_operator.observed import Deployment, Job, Observed, Pod, controller
from trainer_operator.resources.jobs import job_name

_TRAINS = {Phase.PENDING, Phase.RUNNING}
_ROLLS_OUT = {None, Phase.ROLLING_OUT, Phase.PROMOTING}
"""Phases in which the Deployment matters; None is that of a run before its admission."""


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
    pods = [await _pod(cluster, each) for each in raws if controller(each) == uid]
    refused = "" if pods else await cluster.why_no_pod(run.namespace, uid)
    return Job.read(raw, tuple(pods), refused)


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
    return Deployment.read(raw, tuple([await _pod(cluster, each) for each in raws]))


async def _pod(cluster: Cluster, raw: Mapping[str, Any]) -> Pod:
    """View a pod, with its log where there can be one and it is of use."""
    pod = Pod.read(raw)
    if pod.ready and constants.TASK not in raw["metadata"].get("labels", {}):
        return pod  # a predictor that serves
    if pod.phase == "Pending":
        return pod
    return Pod.read(raw, await cluster.read_log(raw["metadata"]["namespace"], pod.name))


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
