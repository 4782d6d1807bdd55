"""What spec.job adds to the pods of a run's Jobs.

Whatever it says, the variables, volumes and security context of the operator's own stay: the
schema refuses what would stand in their way, and it is left out here once more.
"""

import re
from typing import Any

from trainer_operator.models import JobSpec
from trainer_operator.overrides import Volume

_OWN_VARIABLES = re.compile(r"TRAINER_RUN|SENSOR_DATA_FILE|POSTGRES_.*|MLFLOW_TRACKING_.*")
_OWN_VOLUMES = {"tmp", "reference"}
_OWN_PLACES = re.compile(r"/(tmp|reference|opt)(/.*)?|/")
_OWN_LABELS = re.compile(
    r"training\.sensors\.dev/.*|batch\.kubernetes\.io/.*|app\.kubernetes\.io/managed-by"
    r"|job-name|controller-uid|kueue\.x-k8s\.io/.*"
)
"""Kueue's belong on the Job that it queues, and there alone: it manages pods, too."""


def labels(job: JobSpec) -> dict[str, str]:
    """Return the labels that a Job and its pods have beside the operator's."""
    return {key: value for key, value in job.labels.items() if not _OWN_LABELS.fullmatch(key)}


def with_overrides(pod: dict[str, Any], job: JobSpec) -> dict[str, Any]:
    """Return a pod's spec of one container with what spec.job adds to it."""
    (container,) = pod["containers"]
    volumes = [each for each in job.volumes if _allowed(each)]
    changed = {
        **container,
        "env": [*container["env"], *_environment(job)],
        "volumeMounts": [*container["volumeMounts"], *map(_mount, volumes)],
        **_given("envFrom", [each.to_json() for each in job.env_from]),
    }
    return {
        **pod,
        "containers": [changed],
        "volumes": [*pod["volumes"], *map(_volume, volumes)],
        **_given("nodeSelector", job.node_selector),
        **_given("tolerations", [each.to_json() for each in job.tolerations]),
        **_given("imagePullSecrets", [each.to_json() for each in job.image_pull_secrets]),
        **_given("serviceAccountName", job.service_account_name),
        **_given("priorityClassName", job.priority_class_name),
    }


def _environment(job: JobSpec) -> list[dict[str, Any]]:
    return [each.to_json() for each in job.env if not _OWN_VARIABLES.fullmatch(each.name)]


def _allowed(volume: Volume) -> bool:
    return volume.name not in _OWN_VOLUMES and not _OWN_PLACES.fullmatch(volume.mount_path)


def _volume(volume: Volume) -> dict[str, Any]:
    kinds = ("configMap", "secret", "persistentVolumeClaim", "emptyDir")
    source = {key: value for key, value in volume.to_json().items() if key in kinds}
    return {"name": volume.name, **source}


def _mount(volume: Volume) -> dict[str, Any]:
    mount: dict[str, Any] = {"name": volume.name, "mountPath": volume.mount_path}
    if volume.read_only:
        mount["readOnly"] = True
    if volume.sub_path:
        mount["subPath"] = volume.sub_path
    return mount


def _given(field: str, value: Any) -> dict[str, Any]:
    return {field: value} if value else {}
