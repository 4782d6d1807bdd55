"""Pods that do not end: their node does not answer."""

from datetime import datetime, timedelta

from trainer_operator.observed import Job, Pod

PATIENCE = timedelta(seconds=60)
"""How long after its grace period a pod may take to end: a living kubelet has killed it then."""


def lost_pod(job: Job, now: datetime) -> Pod | None:
    """Return a pod that is not to be waited for any more.

    No right to read Nodes is needed for that. The Job itself would wait for ever.
    """
    return next((pod for pod in job.leaving if _lost(pod, now)), None)


def _lost(pod: Pod, now: datetime) -> bool:
    return pod.deleting_since is not None and now - pod.deleting_since >= PATIENCE
