"""The model in a real predictor, proven and promoted; and loaded as older predictors load it."""

import pickle
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import mlflow.sklearn
import pandas as pd
import pytest
import requests

from tests.support.predictor import predictor
from tests.support.processes import free_port
from tests.support.trained import SENSORS, STAGED, WHERE, make_document, make_readings, make_trained
from trainer_job import reasons
from trainer_job.contract import ModelSummary, Outcome, Progress, PromoteTask, RunDocument, Stage
from trainer_job.database.connection import Database
from trainer_job.errors import BadConfiguration, Unavailable, UnusableData
from trainer_job.proving import Proof, prove_and_promote
from trainer_job.registry import staged
from trainer_job.registry.register import register
from trainer_job.registry.tracking import Tracking, connect
from trainer_job.trained import TrainedModel


class Served(NamedTuple):
    """A registered version, and the predictor that serves it."""

    tracking: Tracking
    document: RunDocument
    trained: TrainedModel
    model: ModelSummary
    url: str

    def task(self, **changed: str) -> RunDocument:
        task = PromoteTask.model_validate(
            {"version": self.model.version, "url": self.url} | changed
        )
        return self.document.model_copy(update={"promote": task})

    def ask(self, columns: list[str], data: list[list[Any]]) -> requests.Response:
        body = {"dataframe_split": {"columns": columns, "data": data}}
        return requests.post(f"{self.url}/invocations", json=body, timeout=30)


@pytest.fixture(scope="module")
def served(mlflow_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    document = make_document(mlflow_server, f"model-{uuid.uuid4()}")
    trained = make_trained("robust")
    tracking = connect(document.tracking)
    model = register(tracking, document, trained, STAGED, WHERE)
    with predictor(mlflow_server, model.uri, tmp_path_factory.mktemp("predictor")) as url:
        yield Served(tracking, document, trained, model, url)


def first_row(readings: pd.DataFrame) -> list[Any]:
    return [float(value) for value in readings.iloc[0][list(SENSORS)]]


def test_a_version_that_answers_rightly_is_promoted(served: Served, database: Database) -> None:
    told: list[Progress] = []
    result = prove_and_promote(served.task(), database, served.tracking, told.append)
    assert result.model == served.model
    assert result.decision is not None
    assert result.decision.outcome is Outcome.PROMOTED
    assert result.decision.reason == reasons.PROVEN
    assert "3 known episodes" in result.decision.message
    registered = served.tracking.client.get_registered_model(served.model.name)
    assert registered.aliases == {"production": served.model.version}
    assert [each.stage for each in told] == [Stage.PROVING, Stage.PROMOTING, Stage.PROMOTING]
    assert prove_and_promote(served.task(), database, served.tracking, told.append) == result
    # Nor is the predictor asked again: a retry only repeats what was committed.
    gone = served.task(url=f"http://127.0.0.1:{free_port()}")
    assert prove_and_promote(gone, database, served.tracking, told.append) == result


def test_episodes_are_answered_with_the_modes_of_the_training(served: Served) -> None:
    readings = make_readings()
    columns = ["episode", "timestamp", *SENSORS]
    answer = served.ask(columns, readings[columns].to_numpy().tolist())
    given = pd.DataFrame(answer.json()["predictions"])
    assert list(given["episode"]) == [str(100 + number) for number in range(12)]
    assert list(given["mode"]) == list(served.trained.clustering.modes)
    assert list(given["distance"]) == pytest.approx(list(served.trained.clustering.distances))
    assert set(given["model_version"]) == {served.model.version}


def test_whole_numbers_without_timestamps_will_do(served: Served) -> None:
    answer = served.ask(["episode", *SENSORS], [["a", n, n, n] for n in range(8, 13)])
    (given,) = answer.json()["predictions"]
    assert given["episode"] == "a"
    assert given["mode"] == served.trained.clustering.modes[1]


def test_a_missing_sensor_is_named(served: Served) -> None:
    answer = served.ask(["episode", "Fx", "Fy"], [["a", 1.0, 2.0]])
    assert answer.status_code == 400
    assert "no column for sensor Tz" in answer.json()["message"]


def test_answers_of_another_version_prove_nothing(served: Served) -> None:
    golden = staged.find(served.tracking, served.document, served.model.version).golden
    with pytest.raises(UnusableData, match=r"answers with version 1, not 7") as caught:
        Proof(served.url, "7", golden, patience=0).wait()
    assert caught.value.reason == reasons.WRONG_PREDICTIONS


def test_wrong_answers_of_the_very_version_are_final(served: Served) -> None:
    golden = staged.find(served.tracking, served.document, served.model.version).golden
    golden["answers"][1]["mode"] = 7
    waits: list[float] = []
    with pytest.raises(UnusableData, match=r"episode 101: mode \d, not 7"):
        Proof(served.url, served.model.version, golden, sleep=waits.append).wait()
    assert waits == []


def test_a_predictor_that_does_not_answer_is_named(served: Served) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match=url) as caught:
        Proof(url, "1", {"request": {}, "answers": []}, patience=0).wait()
    assert caught.value.reason == reasons.PREDICTOR_UNREACHABLE


@pytest.mark.parametrize("changed", [{"version": "99"}, {}])
def test_only_a_version_of_the_run_is_promoted(
    served: Served, database: Database, changed: dict[str, str]
) -> None:
    document = served.task(**changed)
    if not changed:
        stranger = document.run.model_copy(update={"uid": str(uuid.uuid4())})
        document = document.model_copy(update={"run": stranger})
    with pytest.raises(BadConfiguration, match="Apply a new run") as caught:
        prove_and_promote(document, database, served.tracking, lambda _: None)
    assert caught.value.reason == reasons.VERSION_MISSING


@pytest.fixture
def old_way(mlflow_server: str) -> Iterator[None]:
    mlflow.set_tracking_uri(mlflow_server)
    yield
    mlflow.set_tracking_uri("")


@pytest.mark.usefixtures("old_way")
def test_older_predictors_find_their_artifacts_and_our_modes(
    served: Served, tmp_path: Path
) -> None:
    run_id = served.model.run_id
    kmeans = mlflow.sklearn.load_model(f"runs:/{run_id}/kmeans_model")
    file = mlflow.artifacts.download_artifacts(
        run_id=run_id, artifact_path="scaler.pkl", dst_path=str(tmp_path)
    )
    scaler = pickle.loads(Path(file).read_bytes())  # noqa: S301
    profiles = mlflow.artifacts.load_dict(f"runs:/{run_id}/cluster_profiles.json")
    names = list(profiles[next(iter(profiles))]["all_features"])
    rows = served.trained.features[names]
    assert list(kmeans.predict(scaler.transform(rows))) == list(served.trained.clustering.modes)


@pytest.mark.usefixtures("old_way")
def test_the_model_tells_its_version_only_where_the_registry_resolved_it(served: Served) -> None:
    sample = served.trained.sample
    by_name = mlflow.pyfunc.load_model(served.model.uri).predict(sample)
    assert set(by_name["model_version"]) == {served.model.version}
    by_run = mlflow.pyfunc.load_model(f"runs:/{served.model.run_id}/model").predict(sample)
    assert set(by_run["model_version"]) == {""}
    assert list(by_run["mode"]) == list(by_name["mode"])
