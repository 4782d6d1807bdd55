"""The files of a run: the model, what older predictors load, and the report.

Names and layout are an interface: predictors in the field look for ``kmeans_model``,
``scaler.pkl`` and ``cluster_profiles.json`` where the replaced service put them.
"""

import json
import pickle
import platform
from pathlib import Path
from typing import Any

import pandas as pd
import sklearn
from sklearn.pipeline import Pipeline

from trainer_job import report
from trainer_job.assignment import scaled
from trainer_job.contract import Decision, RunDocument
from trainer_job.registry import folders, golden, packaging
from trainer_job.report import ReportData
from trainer_job.trained import TrainedModel

MODEL, OLD_MODEL = "model", "kmeans_model"
PROFILES = "cluster_profiles.json"
GOLDEN = "golden.json"
QUALITY = "data_quality.csv"
SERVED = (MODEL, OLD_MODEL, "scaler.pkl", GOLDEN)
"""What predictors load, which stays as it is once there is a version; the rest describes it."""


def write(folder: Path, document: RunDocument, trained: TrainedModel, decision: Decision) -> None:
    """Write everything that a run keeps of a model.

    Raises
    ------
    JobError
        If the model as predictors serve it disagrees with the training.
    """
    packaging.save(folder / MODEL, trained)
    _write_old(folder, trained)
    _write_json(folder / PROFILES, trained.profiles)
    _write_json(folder / GOLDEN, golden.make(trained))
    clustering = trained.clustering
    table = pd.DataFrame(
        {"mode": clustering.modes, "distance": clustering.distances},
        index=trained.features.index,
    )
    table.to_csv(folder / "episodes.csv", index_label="episode")
    if trained.quality is not None:
        trained.quality.to_csv(folder / QUALITY, index=False)
    report.write(folder, _report(document, trained, decision))


def _write_old(folder: Path, trained: TrainedModel) -> None:
    """Write what predictors of the replaced service load: they scale, then predict."""
    *scaling, (_, clusters) = trained.clustering.pipeline.steps
    old = folder / OLD_MODEL
    old.mkdir()
    (old / "model.pkl").write_bytes(pickle.dumps(clusters))
    loader = {"loader_module": "mlflow.sklearn", "model_path": "model.pkl", "predict_fn": "predict"}
    native = {
        "pickled_model": "model.pkl",
        "serialization_format": "pickle",
        "sklearn_version": sklearn.__version__,
    }
    flavours = {folders.PYFUNC: loader, "sklearn": native}
    folders.write(old, flavours, packaging.requirements())
    # Principal components, where there are any, come between the scaler and the clusters.
    scaler = scaling[0][1] if len(scaling) == 1 else Pipeline(scaling)
    (folder / "scaler.pkl").write_bytes(pickle.dumps(scaler))


def _report(document: RunDocument, trained: TrainedModel, decision: Decision) -> ReportData:
    clustering, champion = trained.clustering, document.gates.champion
    return ReportData(
        title=document.model.registered_name,
        features=trained.features,
        scaled=scaled(clustering.pipeline, trained.features),
        modes=clustering.modes,
        distances=clustering.distances,
        sensors=trained.sensors,
        feature_set=trained.feature_set,
        algorithm=trained.algorithm,
        readings=trained.sample,
        decision=decision,
        silhouette=clustering.silhouette,
        labels=trained.true_labels,
        names=trained.names,
        verdicts=trained.verdicts,
        selection=trained.selection,
        null=trained.null,
        comparison=trained.comparison,
        margin=None if champion is None else champion.margin,
        quality=trained.quality,
        facts=_facts(document, trained),
        seed=document.model.seed,
    )


def _facts(document: RunDocument, trained: TrainedModel) -> dict[str, str]:
    data, labels = trained.data, trained.labels
    facts = {
        "run": document.run.name,
        "data": f"{data.episodes} episodes, {data.readings} readings, {data.machines} machine(s)",
        "window": f"{data.since.isoformat()} to {data.until.isoformat()}",
        "python": platform.python_version(),
    }
    if labels is not None:
        facts["labels"] = (
            f"macro F1 {labels.f1:.3f}, adjusted Rand index {labels.ari:.3f}, V-measure "
            f"{labels.v_measure:.3f} on {labels.episodes} {labels.on.lower()} episodes"
        )
    if trained.novelty is not None:
        facts["novelty"] = trained.novelty.message
    return facts


def _write_json(file: Path, document: dict[str, Any]) -> None:
    # Not sorted: predictors take the order of the features from the order of the keys.
    file.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False), "utf-8")
