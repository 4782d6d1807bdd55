"""The model's folder: what MLflow loads, with all code that its predictions need."""

import hashlib
import shutil
from functools import cache
from importlib.metadata import version
from pathlib import Path

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from trainer_job import assignment, features, moments, serving
from trainer_job.registry import folders
from trainer_job.serving import FailureModes
from trainer_job.trained import TrainedModel

DATA, CODE = "data/data", "code"
"""Where the model's folder has what :func:`trainer_job.serving.save` writes, and the modules."""

EXAMPLE_READINGS = 50

_SHIPPED = (moments, features, assignment, serving)
_PACKAGES = ("mlflow-skinny", "numpy", "pandas", "scikit-learn")


def save(folder: Path, trained: TrainedModel) -> None:
    """Write the model as predictors load it through MLflow."""
    first = trained.sample["episode"] == trained.sample["episode"].iloc[0]
    (folder / DATA).mkdir(parents=True)
    serving.save(folder / DATA, served(trained))
    flavour = {
        "loader_module": f"{_copy_code(folder / CODE)}.serving",
        "data": DATA,
        "code": CODE,
        "streamable": False,
    }
    folders.write(
        folder,
        {folders.PYFUNC: flavour},
        requirements(trained.feature_set),
        signature(trained.sensors),
        trained.sample[first].head(EXAMPLE_READINGS),
    )


def served(trained: TrainedModel) -> FailureModes:
    """Return the model as predictors use it."""
    clusters = range(trained.clustering.clusters)
    numbers = trained.modes or tuple(clusters)
    return FailureModes(
        trained.sensors,
        trained.feature_set,
        trained.clustering.pipeline,
        names=[trained.names.get(each, f"mode {numbers[each]}") for each in clusters],
        labels={} if trained.labels is None else trained.labels.names,
        thresholds=None if trained.novelty is None else trained.novelty.thresholds,
        code=code_name(),
    )


def signature(sensors: tuple[str, ...]) -> ModelSignature:
    """Return the signature that all models of these sensors have."""
    optional = [ColSpec("double", sensor, required=False) for sensor in sensors]
    inputs = [ColSpec("string", "episode"), ColSpec("string", "timestamp", required=False)]
    outputs = [
        ColSpec("string", "episode"),
        ColSpec("long", "mode"),
        ColSpec("double", "distance"),
        ColSpec("string", "model_version"),
        ColSpec("string", "name"),
        ColSpec("double", "novelty", required=False),
    ]
    return ModelSignature(inputs=Schema(inputs + optional), outputs=Schema(outputs))


@cache
def code_name() -> str:
    """Return the name of the package of the shipped modules, which says which code it is.

    Not `trainer_job`: a predictor that has another version of this project installed must run
    the code of its model, and a process that loads two models the code of each.
    """
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in _files())).hexdigest()
    return f"failure_modes_{digest[:12]}"


def requirements(feature_set: str | None = None) -> list[str]:
    """Return what a predictor has to install, with the versions of here."""
    more = ("pycatch22",) if feature_set == "catch22" else ()
    return [f"{package}=={version(package)}" for package in (*_PACKAGES, *more)]


def _copy_code(place: Path) -> str:
    """Copy the shipped modules, and return the name of their package."""
    package = place / code_name()
    package.mkdir(parents=True)
    for file in _files():
        shutil.copyfile(file, package / file.name)
    return package.name


def _files() -> list[Path]:
    return [Path(str(module.__file__)) for module in _SHIPPED]
