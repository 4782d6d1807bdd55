"""Exactly one MLflow run and one model version a run, whatever happens to its attempts."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from mlflow.entities import ViewType

from tests.support.interrupted import Killed, die, interrupted, lose_reply
from tests.support.trained import STAGED, make_document, make_trained
from trainer_job.contract import Decision, ModelSummary, Outcome, RunDocument
from trainer_job.registry import lookup
from trainer_job.registry.register import register, tag_decision
from trainer_job.registry.tracking import Tracking, connect, experiment_id


@pytest.fixture
def document(mlflow_server: str) -> RunDocument:
    return make_document(mlflow_server, name=f"model-{uuid.uuid4()}")


@pytest.fixture
def tracking(document: RunDocument) -> Tracking:
    return connect(document.tracking)


def assert_one(tracking: Tracking, document: RunDocument, model: ModelSummary) -> None:
    experiment = experiment_id(tracking)
    assert experiment is not None
    (run,) = lookup.runs(tracking, experiment, document)
    (version,) = lookup.versions(tracking, document)
    assert version.version == model.version
    assert version.run_id == run.info.run_id == model.run_id
    assert run.info.status == "FINISHED"
    assert {file.path for file in tracking.client.list_artifacts(run.info.run_id)} == {
        *("model", "kmeans_model", "scaler.pkl", "cluster_profiles.json", "golden.json"),
        *("report.md", "episodes.csv"),
    }


def assert_nothing_was_deleted(tracking: Tracking, model: ModelSummary) -> None:
    """A version's number is never given twice, so the next one tells whether any is gone."""
    client = tracking.client
    deleted = client.search_runs([experiment_id(tracking)], run_view_type=ViewType.DELETED_ONLY)
    assert list(deleted) == []
    source = client.get_model_version(model.name, model.version).source
    following = client.create_model_version(model.name, source, model.run_id)
    assert int(following.version) == int(model.version) + 1


def test_registers_run_version_figures_and_tags(tracking: Tracking, document: RunDocument) -> None:
    trained = make_trained()
    model = register(tracking, document, trained, STAGED)
    assert_one(tracking, document, model)
    data = tracking.client.get_run(model.run_id).data
    assert data.params["n_clusters"] == "3"
    assert data.params["n_failures"] == "12"
    assert float(data.params["training_lookback_hours"]) == 1
    assert data.metrics["silhouette_score"] == pytest.approx(trained.clustering.silhouette)
    assert data.metrics["macro_f1"] == 1
    tags = {
        "training.sensors.dev/run": document.run.uid,
        "training.sensors.dev/name": "nightly",
        "training.sensors.dev/namespace": "plant",
        "training.sensors.dev/decision": "Staged",
    }
    assert tags.items() <= data.tags.items()
    assert tracking.client.get_model_version(model.name, model.version).tags == tags
    assert model.uri == f"models:/{document.model.registered_name}/1"
    assert model.f1 == 1
    assert tracking.client.get_registered_model(model.name).aliases == {}


def test_a_model_without_scores_has_no_metrics(tracking: Tracking, document: RunDocument) -> None:
    trained = make_trained(labelled=False)
    trained = replace(trained, clustering=replace(trained.clustering, silhouette=None))
    model = register(tracking, document, trained, STAGED)
    assert tracking.client.get_run(model.run_id).data.metrics == {}
    assert (model.silhouette, model.f1) == (None, None)


@pytest.mark.parametrize(
    "method",
    [
        *("create_experiment", "create_run", "log_batch", "log_artifacts", "set_terminated"),
        *("create_registered_model", "create_model_version"),
    ],
)
@pytest.mark.parametrize("then", [die, lose_reply])
def test_a_killed_or_unanswered_attempt_is_gone_on_from(
    tracking: Tracking, document: RunDocument, method: str, then: Callable[[], None]
) -> None:
    trained = make_trained()
    first = interrupted(tracking, method, then)
    if then is die:
        with pytest.raises(Killed):
            register(first, document, trained, STAGED)
    else:
        assert_one(tracking, document, register(first, document, trained, STAGED))
    model = register(tracking, document, trained, STAGED)
    assert_one(tracking, document, model)
    assert model.version == "1"
    assert_nothing_was_deleted(tracking, model)


def test_of_duplicates_the_oldest_stays(tracking: Tracking, document: RunDocument) -> None:
    trained = make_trained()
    model = register(tracking, document, trained, STAGED)
    client, tags = tracking.client, lookup.identity(document)
    extra = client.create_run(experiment_id(tracking), tags=tags, start_time=1)
    source = f"{extra.info.artifact_uri}/model"
    client.create_model_version(model.name, source, extra.info.run_id, tags)
    assert register(tracking, document, trained, STAGED) == model
    assert_one(tracking, document, model)


def test_of_duplicate_runs_without_a_version_the_oldest_is_completed(
    tracking: Tracking, document: RunDocument
) -> None:
    client, tags = tracking.client, lookup.identity(document)
    experiment = client.create_experiment(document.tracking.experiment)
    late, early = (client.create_run(experiment, tags=tags, start_time=at) for at in (2000, 1000))
    model = register(tracking, document, make_trained(), STAGED)
    assert model.run_id == early.info.run_id
    assert_one(tracking, document, model)
    assert client.get_run(late.info.run_id).info.lifecycle_stage == "deleted"


def test_runs_do_not_touch_each_other(mlflow_server: str) -> None:
    name = f"model-{uuid.uuid4()}"
    one, two = make_document(mlflow_server, name), make_document(mlflow_server, name)
    first = register(connect(one.tracking), one, make_trained(), STAGED)
    second = register(connect(two.tracking), two, make_trained(), STAGED)
    assert (first.version, second.version) == ("1", "2")
    assert_one(connect(one.tracking), one, first)
    assert_one(connect(two.tracking), two, second)


def test_all_pages_of_a_search_are_read(
    tracking: Tracking, document: RunDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "PAGE", 2)
    client, tags = tracking.client, lookup.identity(document)
    experiment = client.create_experiment(document.tracking.experiment)
    for moment in range(5):
        client.create_run(experiment, tags=tags, start_time=moment + 1)
    found = lookup.runs(tracking, experiment, document)
    assert [run.info.start_time for run in found] == [1, 2, 3, 4, 5]


def test_the_decision_is_written_onto_version_and_run(
    tracking: Tracking, document: RunDocument
) -> None:
    model = register(tracking, document, make_trained(), STAGED)
    promoted = Decision(outcome=Outcome.PROMOTED, reason="Proven", message="It answers.")
    tag_decision(tracking, model, promoted)
    version = tracking.client.get_model_version(model.name, model.version)
    assert version.tags[lookup.DECISION_TAG] == "Promoted"
    run = tracking.client.get_run(model.run_id)
    assert run.data.tags[lookup.DECISION_TAG] == "Promoted"


def test_registering_takes_few_calls(
    tracking: Tracking, document: RunDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    real = requests.Session.request

    def count(session: requests.Session, method: str, url: str, **keywords: Any) -> Any:
        calls.append(f"{method} {url}")
        return real(session, method, url, **keywords)

    monkeypatch.setattr(requests.Session, "request", count)
    register(tracking, document, make_trained(), STAGED)
    uploads = [call for call in calls if call.startswith("PUT")]
    assert len(uploads) == 20  # one a file
    assert len(calls) - len(uploads) <= 15
    calls.clear()
    register(tracking, document, make_trained(), STAGED)
    assert len(calls) == 3
