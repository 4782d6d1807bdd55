"""The files of a run: the model, what older predictors load, and the report.

Names and layout are an interface: predictors in the field look for ``kmeans_model``,
``scaler.pkl`` and ``cluster_profiles.json`` where the replaced service put them.
"""

import hashlib
import json
import pickle
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from trainer_job import features, report, serving
from trainer_job.contract import Decision
from trainer_job.registry import golden
from trainer_job.trained import TrainedModel

MODEL = "model"
PROFILES = "cluster_profiles.json"
GOLDEN = "golden.json"
EXAMPLE_READINGS = 50

_SHIPPED = (features, serving)
_PACKAGES = ("mlflow-skinny", "numpy", "pandas", "scikit-learn")


def write(folder: Path, trained: TrainedModel, decision: Decision) -> None:
    """Write everything that a run keeps of a model.

    Raises
    ------
    JobError
        If the model as predictors serve it disagrees with the training.
    """
    _write_model(folder / MODEL, trained)
    kmeans = trained.clustering.pipeline.named_steps["kmeans"]
    mlflow.sklearn.save_model(
        kmeans,
        str(folder / "kmeans_model"),
        serialization_format="pickle",
        pip_requirements=_requirements(),
    )
    scaler = trained.clustering.pipeline.named_steps["scaler"]
    (folder / "scaler.pkl").write_bytes(pickle.dumps(scaler))
    _write_json(folder / PROFILES, trained.profiles)
    _write_json(folder / GOLDEN, golden.make(trained))
    (folder / "report.md").write_text(
        report.markdown(trained.profiles, _facts(trained, decision)), "utf-8"
    )
    clustering = trained.clustering
    table = pd.DataFrame(
        {"mode": clustering.modes, "distance": clustering.distances},
        index=trained.features.index,
    )
    table.to_csv(folder / "episodes.csv", index_label="episode")


def signature(sensors: tuple[str, ...]) -> ModelSignature:
    """Return the signature that all models of these sensors have."""
    optional = [ColSpec("double", sensor, required=False) for sensor in sensors]
    inputs = [ColSpec("string", "episode"), ColSpec("string", "timestamp", required=False)]
    outputs = [
        ColSpec("string", "episode"),
        ColSpec("long", "mode"),
        ColSpec("double", "distance"),
        ColSpec("string", "model_version"),
    ]
    return ModelSignature(inputs=Schema(inputs + optional), outputs=Schema(outputs))


def _write_model(folder: Path, trained: TrainedModel) -> None:
    first = trained.sample["episode"] == trained.sample["episode"].iloc[0]
    with TemporaryDirectory() as place:
        data = Path(place, "data")
        data.mkdir()
        serving.save(data, trained.sensors, trained.feature_set, trained.clustering.pipeline)
        code = _code(Path(place))
        mlflow.pyfunc.save_model(
            str(folder),
            loader_module=f"{code.name}.serving",
            data_path=str(data),
            code_paths=[str(code)],
            signature=signature(trained.sensors),
            input_example=trained.sample[first].head(EXAMPLE_READINGS),
            # Given, because to find them out MLflow would load the model in a new process.
            pip_requirements=_requirements(),
        )


def _code(place: Path) -> Path:
    """Copy the shipped modules into a package whose name says which code it is.

    Not `trainer_job`: a predictor that has another version of this project installed must run
    the code of its model, and a process that loads two models the code of each.
    """
    files = [Path(str(module.__file__)) for module in _SHIPPED]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    package = place / f"failure_modes_{digest[:12]}"
    package.mkdir()
    for file in files:
        shutil.copyfile(file, package / file.name)
    return package


def _requirements() -> list[str]:
    return [f"{package}=={version(package)}" for package in _PACKAGES]


def _facts(trained: TrainedModel, decision: Decision) -> dict[str, object]:
    data, match, silhouette = trained.data, trained.match, trained.clustering.silhouette
    return {
        # Not the outcome: what becomes of a staged version is known later, and kept in its tags.
        "gates": decision.message,
        "data": f"{data.episodes} episodes, {data.readings} readings, {data.machines} machine(s)",
        "window": f"{data.since.isoformat()} to {data.until.isoformat()}",
        "sensors": ", ".join(trained.sensors),
        "features": trained.feature_set,
        "silhouette": None if silhouette is None else f"{silhouette:.3f}",
        "macro F1": match and f"{match.f1:.3f} on {match.episodes} labelled episodes",
        "python": platform.python_version(),
    }


def _write_json(file: Path, document: dict[str, Any]) -> None:
    # Not sorted: predictors take the order of the features from the order of the keys.
    file.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False), "utf-8")
