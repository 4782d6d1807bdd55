"""What MLflow shows of a run, as plain values."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.trained import AS_OF, STAGED, make_document, make_trained
from trainer_job import __version__
from trainer_job.contract import Comparison, Decision, Outcome
from trainer_job.registry import figures, lookup
from trainer_job.trained import TrainedModel

DOCUMENT = make_document("http://mlflow:5000")
TRAINED = make_trained()
VERSION = SimpleNamespace(version=7, run_id="r")


def changed(**data: Any) -> TrainedModel:
    return replace(TRAINED, data=TRAINED.data.model_copy(update=data))


def run_of(trained: TrainedModel, **scores: float) -> Any:
    """Return an MLflow run that shows a model."""
    params = {name: str(value) for name, value in figures.params(DOCUMENT, trained).items()}
    tags = figures.tags(DOCUMENT, trained, STAGED, {})
    metrics = figures.metrics(trained) | scores
    return SimpleNamespace(data=SimpleNamespace(params=params, metrics=metrics, tags=tags))


def test_the_parameters_of_the_replaced_service_keep_their_names() -> None:
    params = figures.params(DOCUMENT, TRAINED)
    assert params["n_clusters"] == 3
    assert params["n_failures"] == 12
    assert params["training_lookback_hours"] == 1
    assert params["scaler"] == "StandardScaler"
    assert (params["n_sensors"], params["n_features"]) == (3, TRAINED.features.shape[1])
    assert (params["since"], params["until"]) == ("2026-03-01T11:00:00+00:00", AS_OF.isoformat())
    assert "cluster_range" not in params


def test_a_range_is_told_beside_what_was_chosen_from_it() -> None:
    ranged = make_document("http://mlflow:5000", model={"clusterRange": {"min": 1, "max": 5}})
    params = figures.params(ranged, TRAINED)
    assert (params["n_clusters"], params["cluster_range"]) == (3, "1 to 5")


def test_labels_change_no_parameter() -> None:
    """MLflow refuses another value, and labels may come between two attempts."""
    unlabelled = make_trained(labelled=False)
    assert figures.params(DOCUMENT, unlabelled) == figures.params(DOCUMENT, TRAINED)


def test_only_scores_that_there_are_become_metrics() -> None:
    scores = figures.metrics(TRAINED)
    assert scores["silhouette_score"] == TRAINED.clustering.silhouette
    assert (scores["macro_f1"], scores["labelled_episodes"]) == (1, 12)
    assert (scores["smallest_cluster"], scores["largest_cluster"]) == (4, 4)
    bare = make_trained(labelled=False)
    bare = replace(bare, clustering=replace(bare.clustering, silhouette=None))
    assert figures.metrics(bare) == {"smallest_cluster": 4, "largest_cluster": 4}


def test_a_comparison_with_the_champion_becomes_three_metrics() -> None:
    compared = Comparison(
        measure="F1", episodes=40, digest="d", difference=0.1, low=-0.02, high=0.2
    )
    scores = figures.metrics(replace(TRAINED, comparison=compared))
    assert scores["champion_difference"] == 0.1
    assert scores["champion_difference_low"] == -0.02
    assert scores["champion_difference_high"] == 0.2


@pytest.mark.parametrize("labelled", [True, False])
def test_a_summary_is_read_back_as_it_was(labelled: bool) -> None:
    trained = make_trained(labelled=labelled)
    told = figures.summary(DOCUMENT, VERSION, trained)
    assert told.uri == "models:/sensor_failure_clustering/7"
    assert told.f1_on == ("Training" if labelled else None)
    assert figures.read(DOCUMENT, VERSION, run_of(trained)) == told


def test_a_score_that_was_taken_back_is_none() -> None:
    told = figures.read(DOCUMENT, VERSION, run_of(TRAINED, macro_f1=float("nan")))
    assert (told.f1, told.f1_on) == (None, None)


def test_the_commit_is_told_where_it_is_known() -> None:
    tags = figures.tags(DOCUMENT, TRAINED, STAGED, {})
    assert "mlflow.source.git.commit" not in tags
    assert tags[lookup.RUN_TAG] == DOCUMENT.run.uid
    assert tags[lookup.CODE_TAG] == __version__
    assert tags[lookup.FEATURES_TAG] == "basic"
    tags = figures.tags(DOCUMENT, TRAINED, STAGED, {figures.COMMIT_VARIABLE: "cafe"})
    assert tags["mlflow.source.git.commit"] == "cafe"


def test_the_digest_is_the_last_tag_of_a_version() -> None:
    tags = figures.version_tags(DOCUMENT, replace(TRAINED, holdout="0.2 of x"), STAGED)
    assert tags[lookup.HOLDOUT_TAG] == "0.2 of x"
    assert list(tags)[-1] == lookup.FIGURES_TAG


def test_the_digest_tells_attempts_apart_that_judge_differently() -> None:
    first = figures.digest(DOCUMENT, TRAINED, STAGED)
    assert figures.digest(DOCUMENT, make_trained(), STAGED) == first
    assert figures.digest(DOCUMENT, make_trained(labelled=False), STAGED) != first
    other = STAGED.model_copy(update={"message": "Something else."})
    assert figures.digest(DOCUMENT, TRAINED, other) != first
    names = dict(TRAINED.profiles)
    names["0"] = names["0"] | {"label": "renamed"}
    assert figures.digest(DOCUMENT, replace(TRAINED, profiles=names), STAGED) != first


def test_the_data_are_told_without_credentials() -> None:
    trained = changed(fingerprint="ab" * 32)
    logged = figures.dataset(DOCUMENT, trained, "db:5432/plant")
    assert logged is not None
    assert logged.dataset.digest == "ab" * 16
    assert json.loads(logged.dataset.source) == {
        "database": "db:5432/plant",
        "since": "2026-03-01T11:00:00+00:00",
        "until": AS_OF.isoformat(),
        "machines": "all",
    }
    assert json.loads(logged.dataset.profile)["num_rows"] == 12
    columns = json.loads(logged.dataset.schema)["mlflow_colspec"]
    assert [column["name"] for column in columns] == list(TRAINED.sensors)
    assert figures.dataset(DOCUMENT, changed(fingerprint=None), "db:5432/plant") is None


@given(message=st.text(max_size=9000))
def test_a_description_fits_into_the_store(message: str) -> None:
    decision = Decision(outcome=Outcome.PROMOTED, reason="Proven", message=message)
    told = figures.description(decision, "3", "r" * 32)
    assert len(told) <= 5000
    assert told.startswith("Promoted. ")
    assert told.endswith(f"[MLflow run](#/experiments/3/runs/{'r' * 32})")
    assert len(figures.decided(decision)["mlflow.note.content"]) <= 4000


def test_a_description_without_an_experiment_has_no_link() -> None:
    assert figures.description(STAGED, None, "r") == f"Staged. {STAGED.message}"
