"""The reference file of a run, as its pods find it."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from trainer_operator import constants
from trainer_operator.models import TrainingRun

_VOLUME = "reference"


@dataclass(frozen=True)
class Mounted:
    """What a pod needs to read a file: a volume, its place, and the variable that names it."""

    volumes: tuple[dict[str, Any], ...] = ()
    mounts: tuple[dict[str, Any], ...] = ()
    variables: tuple[dict[str, Any], ...] = ()


def reference_file(run: TrainingRun) -> Mounted:
    """Return how the pods of the train Job read the file, nothing where the run names none.

    It is not optional: a pod that waits for a file with a wrong name can be seen and mended, a
    model whose failure modes got no names cannot.
    """
    if run.spec.reference is None:
        return Mounted()
    source, file = run.spec.reference.config_map_ref, PurePosixPath(constants.REFERENCE_FILE)
    items = [{"key": source.key, "path": file.name}]
    return Mounted(
        volumes=({"name": _VOLUME, "configMap": {"name": source.name, "items": items}},),
        mounts=({"name": _VOLUME, "mountPath": str(file.parent), "readOnly": True},),
        variables=({"name": constants.REFERENCE_VARIABLE, "value": str(file)},),
    )
