"""What a real MLflow server makes of good and bad connections."""

import re
from dataclasses import replace

import pytest

from tests.support.processes import free_port
from tests.support.trained import STAGED, WHERE, make_document, make_trained
from trainer_job import reasons
from trainer_job.contract import TrackingSpec
from trainer_job.errors import BadConfiguration, Unavailable
from trainer_job.registry.register import register
from trainer_job.registry.tracking import connect, experiment_id


def test_connecting_creates_nothing(mlflow_server: str) -> None:
    tracking = connect(make_document(mlflow_server).tracking)
    assert experiment_id(tracking) is None


def test_an_existing_experiment_is_found(mlflow_server: str) -> None:
    spec = make_document(mlflow_server).tracking
    created = connect(spec).client.create_experiment(spec.experiment)
    assert experiment_id(connect(spec)) == created


def test_a_deleted_experiment_is_refused_before_anything_is_read(mlflow_server: str) -> None:
    document = make_document(mlflow_server)
    tracking = connect(document.tracking)
    created = tracking.client.create_experiment(document.tracking.experiment)
    tracking.client.delete_experiment(created)
    words = f"{document.tracking.experiment} was deleted.*{re.escape(mlflow_server)}.*restore"
    with pytest.raises(BadConfiguration, match=words):
        connect(document.tracking)
    with pytest.raises(BadConfiguration, match="was deleted"):
        register(tracking, document, make_trained(), STAGED, WHERE)


def test_a_name_that_the_server_does_not_allow_is_told(mlflow_server: str) -> None:
    spec = TrackingSpec(uri=mlflow_server.replace("127.0.0.1", "127.1"))
    with pytest.raises(BadConfiguration, match=r"127\.1:\d+ .*--allowed-hosts") as caught:
        connect(spec)
    assert caught.value.reason == reasons.TRACKING_REFUSED


def test_an_unreachable_server_is_named_without_its_credentials() -> None:
    port = free_port()
    spec = TrackingSpec(uri=f"http://reader:pa@ss@127.0.0.1:{port}/")
    with pytest.raises(Unavailable) as caught:
        connect(spec, patience=0)
    assert caught.value.reason == reasons.TRACKING_UNAVAILABLE
    assert f"http://127.0.0.1:{port} (spec.tracking.uri)" in caught.value.message
    assert "pa@ss" not in caught.value.message
    assert "ss@" not in caught.value.message
    assert caught.value.__cause__ is None


def test_credentials_of_the_uri_are_kept_nowhere(mlflow_server: str) -> None:
    secret = mlflow_server.replace("://", "://reader:hidden-word@")
    document = make_document(secret, f"model-{free_port()}")
    tracking = connect(document.tracking)
    assert tracking.address == mlflow_server
    model = register(tracking, document, make_trained(), STAGED, WHERE)
    run = tracking.client.get_run(model.run_id)
    version = tracking.client.get_model_version(model.name, model.version)
    for text in (str(run.to_dictionary()), str(dict(version)), model.model_dump_json()):
        assert "hidden-word" not in text
    without = connect(document.tracking.model_copy(update={"uri": mlflow_server}))
    assert without.client.get_run(model.run_id).data.params["n_clusters"] == "3"


def test_a_refused_request_is_told_with_the_servers_words(mlflow_server: str) -> None:
    tracking = connect(make_document(mlflow_server).tracking)
    with pytest.raises(BadConfiguration, match=r"refused a request.*no-such-run") as caught:
        tracking.ask(lambda client: client.get_run("no-such-run"))
    assert caught.value.reason == reasons.TRACKING_REFUSED
    assert tracking.find(lambda client: client.get_run("no-such-run")) is None


def test_a_server_that_went_away_is_tried_again(mlflow_server: str) -> None:
    tracking = connect(make_document(mlflow_server).tracking)
    lost = make_document(f"http://127.0.0.1:{free_port()}").tracking
    with pytest.raises(Unavailable):
        connect(lost, patience=0)
    waits: list[float] = []
    back = replace(tracking, sleep=waits.append)
    clients = [connect_nowhere(lost.uri), tracking.client]

    def call(_: object) -> int:
        return len(clients.pop(0).search_experiments())

    assert back.ask(call) >= 1
    assert waits == [0.5]


def connect_nowhere(uri: str) -> object:
    from mlflow import MlflowClient

    return MlflowClient(uri, uri)
