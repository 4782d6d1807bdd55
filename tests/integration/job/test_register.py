"""Exactly one MLflow run and one model version a run, whatever happens to its attempts."""

import json
import math
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests
from mlflow.entities import ViewType

from tests.support.interrupted import Killed, die, interrupted, lose_reply
from tests.support.trained import STAGED, WHERE, make_document, make_trained
from trainer_job.contract import Decision, ModelSummary, Outcome, RunDocument
from trainer_job.registry import lookup
from trainer_job.registry.register import register, tag_decision
from trainer_job.registry.tracking import Tracking, connect, experiment_id
from trainer_job.trained import TrainedModel


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
        *("report.html", "plots", "episodes.csv"),
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
    model = register(tracking, document, trained, STAGED, WHERE)
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
    version = tracking.client.get_model_version(model.name, model.version)
    assert tags.items() <= version.tags.items()
    assert version.description.startswith(f"Staged. {STAGED.message}")
    assert f"/runs/{model.run_id})" in version.description
    assert model.uri == f"models:/{document.model.registered_name}/1"
    assert model.f1 == 1
    assert tracking.client.get_registered_model(model.name).aliases == {}


def test_a_model_without_scores_has_none(tracking: Tracking, document: RunDocument) -> None:
    trained = make_trained(labelled=False)
    trained = replace(trained, clustering=replace(trained.clustering, silhouette=None))
    model = register(tracking, document, trained, STAGED, WHERE)
    metrics = tracking.client.get_run(model.run_id).data.metrics
    assert metrics == {"smallest_cluster": 4, "largest_cluster": 4}
    assert (model.silhouette, model.f1) == (None, None)


def test_the_data_are_logged_once(tracking: Tracking, document: RunDocument) -> None:
    trained = with_fingerprint(make_trained())
    dying = interrupted(tracking, "log_artifacts", die)
    with pytest.raises(Killed):
        register(dying, document, trained, STAGED, WHERE)
    model = register(tracking, document, trained, STAGED, WHERE)
    (logged,) = tracking.client.get_run(model.run_id).inputs.dataset_inputs
    assert logged.dataset.digest == "f" * 32
    assert json.loads(logged.dataset.source)["database"] == WHERE
    assert [(tag.key, tag.value) for tag in logged.tags] == [("mlflow.data.context", "training")]


def with_fingerprint(trained: TrainedModel) -> TrainedModel:
    return replace(trained, data=trained.data.model_copy(update={"fingerprint": "f" * 64}))


@pytest.mark.parametrize(
    "method",
    ["create_run", "log_batch", "log_artifacts", "set_terminated", "create_model_version"],
)
def test_a_later_attempt_that_judges_otherwise_is_what_mlflow_shows(
    tracking: Tracking, document: RunDocument, method: str
) -> None:
    """Labels that were taken back or given since belong to no state of the data."""
    staged, rejected = make_trained(), make_trained(labelled=False)
    with pytest.raises(Killed):
        register(interrupted(tracking, method, die), document, staged, STAGED, WHERE)
    low = Decision(outcome=Outcome.REJECTED, reason="SilhouetteTooLow", message="It is too low.")
    model = register(tracking, document, rejected, low, WHERE)
    assert_one(tracking, document, model)
    assert_shown(tracking, model, low, math.nan if method != "create_run" else None)
    again = register(tracking, document, staged, STAGED, WHERE)
    assert_one(tracking, document, again)
    assert (again.version, again.f1, model.f1) == (model.version, 1, None)
    assert_shown(tracking, again, STAGED, 1)


def assert_shown(
    tracking: Tracking, model: ModelSummary, decision: Decision, f1: float | None
) -> None:
    run = tracking.client.get_run(model.run_id)
    assert run.data.metrics.get("macro_f1") == pytest.approx(f1, nan_ok=True)
    assert run.data.tags[lookup.DECISION_TAG] == decision.outcome.value
    assert run.data.tags["mlflow.note.content"] == decision.message
    version = tracking.client.get_model_version(model.name, model.version)
    assert version.tags[lookup.DECISION_TAG] == decision.outcome.value
    assert version.description.startswith(f"{decision.outcome.value}. {decision.message}")
    with TemporaryDirectory() as place:
        path = tracking.client.download_artifacts(model.run_id, "cluster_profiles.json", place)
        profiles = json.loads(Path(path).read_text("utf-8"))
    named = {profile["label"] for profile in profiles.values()}
    assert named == ({None} if model.f1 is None else {"worn", "loose", "jammed"})


def test_what_a_version_serves_is_never_written_again(
    tracking: Tracking, document: RunDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tracking, document, make_trained(), STAGED, WHERE)
    with calls_of(monkeypatch) as calls:
        register(tracking, document, make_trained(labelled=False), STAGED, WHERE)
    written = {call.rpartition("/artifacts/")[2] for call in calls if call.startswith("PUT")}
    assert "cluster_profiles.json" in written
    assert not any(path.startswith(("model/", "kmeans_model/")) for path in written)
    assert not written & {"scaler.pkl", "golden.json"}


def test_a_run_with_other_parameters_is_replaced(tracking: Tracking, document: RunDocument) -> None:
    """MLflow lets nobody change a parameter: an attempt of another image begins anew."""
    client, tags = tracking.client, lookup.identity(document)
    experiment = client.create_experiment(document.tracking.experiment)
    old = client.create_run(experiment, tags=tags)
    client.log_param(old.info.run_id, "seed", 7)
    model = register(tracking, document, make_trained(), STAGED, WHERE)
    assert model.run_id != old.info.run_id
    assert_one(tracking, document, model)


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
            register(first, document, trained, STAGED, WHERE)
    else:
        assert_one(tracking, document, register(first, document, trained, STAGED, WHERE))
    model = register(tracking, document, trained, STAGED, WHERE)
    assert_one(tracking, document, model)
    assert model.version == "1"
    assert_nothing_was_deleted(tracking, model)


def test_of_duplicates_the_oldest_stays(tracking: Tracking, document: RunDocument) -> None:
    trained = make_trained()
    model = register(tracking, document, trained, STAGED, WHERE)
    client, tags = tracking.client, lookup.identity(document)
    extra = client.create_run(experiment_id(tracking), tags=tags, start_time=1)
    source = f"{extra.info.artifact_uri}/model"
    client.create_model_version(model.name, source, extra.info.run_id, tags)
    assert register(tracking, document, trained, STAGED, WHERE) == model
    assert_one(tracking, document, model)


def test_of_duplicate_runs_without_a_version_the_oldest_is_completed(
    tracking: Tracking, document: RunDocument
) -> None:
    client, tags = tracking.client, lookup.identity(document)
    experiment = client.create_experiment(document.tracking.experiment)
    late, early = (client.create_run(experiment, tags=tags, start_time=at) for at in (2000, 1000))
    model = register(tracking, document, make_trained(), STAGED, WHERE)
    assert model.run_id == early.info.run_id
    assert_one(tracking, document, model)
    assert client.get_run(late.info.run_id).info.lifecycle_stage == "deleted"


def test_runs_do_not_touch_each_other(mlflow_server: str) -> None:
    name = f"model-{uuid.uuid4()}"
    one, two = make_document(mlflow_server, name), make_document(mlflow_server, name)
    first = register(connect(one.tracking), one, make_trained(), STAGED, WHERE)
    second = register(connect(two.tracking), two, make_trained(), STAGED, WHERE)
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
    model = register(tracking, document, make_trained(), STAGED, WHERE)
    promoted = Decision(outcome=Outcome.PROMOTED, reason="Proven", message="It answers.")
    tag_decision(tracking, model, promoted)
    version = tracking.client.get_model_version(model.name, model.version)
    assert version.tags[lookup.DECISION_TAG] == "Promoted"
    assert version.description.startswith("Promoted. It answers.")
    assert f"experiments/{experiment_id(tracking)}/runs/{model.run_id}" in version.description
    run = tracking.client.get_run(model.run_id)
    assert run.data.tags[lookup.DECISION_TAG] == "Promoted"
    assert run.data.tags["mlflow.note.content"] == "It answers."


def test_registering_takes_few_calls(
    tracking: Tracking, document: RunDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = with_fingerprint(make_trained())
    with calls_of(monkeypatch) as calls:
        model = register(tracking, document, trained, STAGED, WHERE)
    uploads = [call for call in calls if call.startswith("PUT")]
    assert len(set(uploads)) == len(uploads)  # one a file
    assert len(calls) - len(uploads) <= 14
    with calls_of(monkeypatch) as calls:
        register(tracking, document, trained, STAGED, WHERE)
    assert len(calls) == 3
    # The usual case: experiment and registered model are there.
    following = make_document(document.tracking.uri, model.name)
    following = following.model_copy(update={"tracking": document.tracking})
    tracking = connect(document.tracking)
    with calls_of(monkeypatch) as calls:
        register(tracking, following, trained, STAGED, WHERE)
    assert len(calls) - len(uploads) <= 9


@contextmanager
def calls_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield the HTTP calls that are made until the end of the block."""
    calls: list[str] = []
    real = requests.Session.request

    def count(session: requests.Session, method: str, url: str, **keywords: Any) -> Any:
        calls.append(f"{method} {url}")
        return real(session, method, url, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(requests.Session, "request", count)
        yield calls
