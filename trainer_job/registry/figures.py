"""What MLflow shows of a run: its parameters, metrics, tags and data.

Parameters cannot be changed once they are logged, so they are only what every attempt of a run
finds the same: the document and the recorded data. What a label or the code's version changes is
a metric or a tag.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag

from trainer_job import __version__
from trainer_job.clustering import silhouette
from trainer_job.contract import Decision, ModelSummary, RunDocument
from trainer_job.registry import lookup
from trainer_job.trained import TrainedModel

CLUSTERS = "n_clusters"
SILHOUETTE, SILHOUETTE_NULL = "silhouette_score", "silhouette_null_p95"
F1 = "macro_f1"

DATASET = "failure episodes"
COMMIT_VARIABLE = "TRAINER_GIT_COMMIT"
"""Set where an image is built: the commit that its code is of."""

_NOTE = "mlflow.note.content"
_DIGEST = 32  # MLflow takes 36
_DESCRIPTION = 4000  # the store takes 5,000


def params(document: RunDocument, trained: TrainedModel) -> dict[str, object]:
    """Return the parameters of a run; the first three are named as the replaced service did."""
    data, chosen_from = trained.data, document.model.cluster_range
    found: dict[str, object] = {
        CLUSTERS: trained.clustering.clusters,
        "n_failures": data.episodes,
        "training_lookback_hours": trained.lookback_hours,
        "feature_set": trained.feature_set,
        "algorithm": trained.algorithm,
        "seed": document.model.seed,
        "scaler": type(trained.clustering.pipeline.named_steps["scaler"]).__name__,
        # Beyond a number of episodes, a sample that the seed chooses.
        "silhouette_episodes": min(data.episodes, silhouette.SAMPLE),
        "n_sensors": len(trained.sensors),
        "n_features": trained.features.shape[1],
        "n_readings": data.readings,
        "n_machines": data.machines,
        "n_excluded": data.excluded,
        "n_held_out": data.held_out,
        "since": data.since.isoformat(),
        "until": data.until.isoformat(),
    }
    if chosen_from is not None:
        found["cluster_range"] = f"{chosen_from.min} to {chosen_from.max}"
    return found


def metrics(trained: TrainedModel) -> dict[str, float]:
    """Return the scores that there are, and the smallest and the largest cluster."""
    sizes = [profile["size"] for profile in trained.profiles.values()]
    scores = {
        SILHOUETTE: trained.clustering.silhouette,
        SILHOUETTE_NULL: None if trained.null is None else trained.null.p95,
        "silhouette_judged": None if trained.null is None else trained.null.observed,
        "smallest_cluster": min(sizes),
        "largest_cluster": max(sizes),
    }
    if labels := trained.labels:
        scores |= {
            F1: labels.f1,
            "ari": labels.ari,
            "v_measure": labels.v_measure,
            "labelled_episodes": labels.episodes,
        }
    if compared := trained.comparison:
        scores |= {
            "champion_difference": compared.difference,
            "champion_difference_low": compared.low,
            "champion_difference_high": compared.high,
        }
    if trained.novelty is not None:
        scores["novelty_rate"] = trained.novelty.rate
    return {name: float(score) for name, score in scores.items() if score is not None}


def summary(document: RunDocument, version: Any, trained: TrainedModel) -> ModelSummary:
    """Return what the result says of a registered version."""
    scored_on = None if trained.labels is None else trained.labels.on
    clusters = trained.clustering.clusters
    return _summary(document, version, clusters, metrics(trained), scored_on)


def read(document: RunDocument, version: Any, run: Any) -> ModelSummary:
    """Return the same, from the MLflow run of the version."""
    shown = run.data
    clusters, scored_on = int(shown.params[CLUSTERS]), shown.tags.get(lookup.SCORED_TAG)
    return _summary(document, version, clusters, shown.metrics, scored_on)


def tags(
    document: RunDocument,
    trained: TrainedModel,
    decision: Decision,
    environ: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Return the tags of the MLflow run; those named ``mlflow.*`` have places of their own."""
    found = {
        **lookup.identity(document),
        **decided(decision),
        lookup.FEATURES_TAG: trained.feature_set,
        lookup.CODE_TAG: __version__,
        "mlflow.user": "trainer-job",
        "mlflow.source.name": "trainer-job",
        "mlflow.source.type": "JOB",
    }
    if trained.labels is not None:
        found[lookup.SCORED_TAG] = trained.labels.on
    if commit := environ.get(COMMIT_VARIABLE):
        found["mlflow.source.git.commit"] = commit
    return found


def version_tags(
    document: RunDocument, trained: TrainedModel, decision: Decision
) -> dict[str, str]:
    """Return the tags of the model version; the digest, which vouches for the others, is last."""
    found = {
        **lookup.identity(document),
        lookup.DECISION_TAG: decision.outcome.value,
        lookup.FEATURES_TAG: trained.feature_set,
    }
    if trained.holdout is not None:
        found[lookup.HOLDOUT_TAG] = trained.holdout
    return {**found, lookup.FIGURES_TAG: digest(document, trained, decision)}


def decided(decision: Decision) -> dict[str, str]:
    """Return the tags of an MLflow run that follow the decision."""
    return {lookup.DECISION_TAG: decision.outcome.value, _NOTE: decision.message[:_DESCRIPTION]}


def digest(document: RunDocument, trained: TrainedModel, decision: Decision) -> str:
    """Return what differs between attempts that judge a run differently, for a changed label."""
    labels = [profile["label"] for profile in trained.profiles.values()]
    said = [decision.outcome.value, decision.reason, decision.message]
    parts = [params(document, trained), metrics(trained), labels, said]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:_DIGEST]


def description(decision: Decision, experiment: str | None, run_id: str) -> str:
    """Return what a version's page says, as Markdown: the decision, and where its run is."""
    said = f"{decision.outcome.value}. {decision.message[:_DESCRIPTION]}"
    # Relative to the page, since people may know the server by another name than the job does.
    link = f"[MLflow run](#/experiments/{experiment}/runs/{run_id})"
    return said if experiment is None else f"{said}\n\n{link}"


def dataset(document: RunDocument, trained: TrainedModel, database: str) -> DatasetInput | None:
    """Return the data as MLflow knows them, None where they have no fingerprint.

    Parameters
    ----------
    document, trained
        The run and its model.
    database
        Where the episodes were read, without credentials.
    """
    data = trained.data
    if data.fingerprint is None:
        return None
    episodes, features = trained.features.shape
    source = {
        "database": database,
        "since": data.since.isoformat(),
        "until": data.until.isoformat(),
        "machines": list(document.data.machines) or "all",
    }
    columns = [{"name": sensor, "type": "double", "required": False} for sensor in trained.sensors]
    profile = {
        "num_rows": episodes,
        "num_elements": episodes * features,
        "readings": data.readings,
        "machines": data.machines,
    }
    described = Dataset(
        name=DATASET,
        digest=data.fingerprint[:_DIGEST],
        source_type="postgresql",
        source=json.dumps(source),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps(profile),
    )
    return DatasetInput(described, [InputTag("mlflow.data.context", "training")])


def _summary(
    document: RunDocument,
    version: Any,
    clusters: int,
    scores: Mapping[str, float],
    scored_on: Any,
) -> ModelSummary:
    name, f1 = document.model.registered_name, _score(scores, F1)
    return ModelSummary(
        name=name,
        version=str(version.version),
        run_id=version.run_id,
        uri=f"models:/{name}/{version.version}",
        clusters=clusters,
        silhouette=_score(scores, SILHOUETTE),
        silhouette_null=_score(scores, SILHOUETTE_NULL),
        f1=f1,
        f1_on=None if f1 is None else scored_on,
    )


def _score(scores: Mapping[str, float], name: str) -> float | None:
    """Return a score; not a number is how an attempt takes back what one before it logged."""
    score = scores.get(name, math.nan)
    return None if math.isnan(score) else score
