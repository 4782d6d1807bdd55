"""What people do with runs: fetch reports, compare versions, label episodes, predict."""

import csv
import io
import json
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import pandas as pd
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from tests.support.command import environment, trainer_job
from tests.support.plant import Plant
from tests.support.reports import whole_report
from trainer_job import cli, fetching, labelling, predicting, reasons, report
from trainer_job.comparing import Pair, pairs, read
from trainer_job.contract import TrackingSpec
from trainer_job.database.connection import Database
from trainer_job.errors import BadConfiguration, UnusableData
from trainer_job.registry.lookup import DECISION_TAG, RUN_TAG
from trainer_job.registry.tracking import Tracking, connect
from trainer_job.terminal import as_table


class LargestSensor(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Finds the episodes whose sensor Fx exceeds 1."""

    def predict(self, context: object, model_input: pd.DataFrame, params: object = None) -> object:
        largest = model_input.groupby("episode", sort=False)["Fx"].max()
        return pd.DataFrame(
            {"episode": largest.index, "mode": (largest > 1).astype(int).to_numpy()}
        )


@dataclass(frozen=True)
class Registry:
    """A registered name with two versions, as runs leave them."""

    tracking: Tracking
    uri: str
    name: str
    run_ids: tuple[str, str]
    uid: str


@pytest.fixture(scope="module")
def registry(mlflow_server: str) -> Registry:
    tracking = connect(TrackingSpec(uri=mlflow_server))
    client = tracking.client
    name, uid = f"model-{uuid.uuid4()}", str(uuid.uuid4())
    experiment = client.create_experiment(name)
    client.create_registered_model(name)
    runs = []
    for number, modes in ((1, [0, 0, 1]), (2, [1, 1, 0])):
        run = client.create_run(experiment, run_name=f"run-{number}")
        client.log_param(run.info.run_id, "n_clusters", 2)
        client.log_metric(run.info.run_id, "macro_f1", number / 10)
        with TemporaryDirectory() as place:
            _artifacts(Path(place), modes, with_report=number == 2)
            client.log_artifacts(run.info.run_id, place)
        tags = {DECISION_TAG: "Promoted"} | ({RUN_TAG: uid} if number == 2 else {})
        source = f"{run.info.artifact_uri}/model"
        client.create_model_version(name, source, run.info.run_id, tags=tags)
        runs.append(run.info.run_id)
    client.set_registered_model_alias(name, "production", "2")
    return Registry(tracking, mlflow_server, name, (runs[0], runs[1]), uid)


def _artifacts(folder: Path, modes: list[int], with_report: bool) -> None:
    profiles = {
        str(mode): {"label": None, "size": modes.count(mode), "distinctive_features": {"Fx_max": 1}}
        for mode in sorted(set(modes))
    }
    (folder / "cluster_profiles.json").write_text(json.dumps(profiles))
    table = pd.DataFrame({"episode": range(len(modes)), "mode": modes})
    table.to_csv(folder / "episodes.csv", index=False)
    mlflow.pyfunc.save_model(
        str(folder / "model"),
        python_model=LargestSensor(),
        signature=ModelSignature(
            inputs=Schema([ColSpec("string", "episode"), ColSpec("double", "Fx")]),
            outputs=Schema([ColSpec("string", "episode"), ColSpec("long", "mode")]),
        ),
        pip_requirements=["mlflow-skinny"],
    )
    if with_report:
        report.write(folder, whole_report())


@pytest.fixture
def plant(database: Database) -> Plant:
    return Plant(database)


def labels_in(database: Database) -> dict[int, str]:
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT failure, source, label FROM trainer.episode_labels"
        )
        return {row.failure: row.label for row in rows if row.source == labelling.HUMAN}


@pytest.mark.parametrize("how", ["version", "run id", "uid"])
def test_a_report_is_found_and_fetched(registry: Registry, how: str, tmp_path: Path) -> None:
    wanted = {"version": "2", "run id": registry.run_ids[1], "uid": registry.uid}[how]
    file = tmp_path / "there.html"
    said = fetching.fetch_report(registry.tracking, wanted, registry.name, file)
    assert str(file) in said
    assert registry.run_ids[1] in said
    assert "<h1>Failure modes: sensor_failure_clustering</h1>" in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("wanted", "output", "reason", "words"),
    [
        ("1", "f.html", reasons.NO_REPORT, "has no report.html"),
        ("9", "f.html", reasons.VERSION_MISSING, "There is no version 9"),
        ("0" * 32, "f.html", reasons.RUN_MISSING, "knows no run"),
        (str(uuid.UUID(int=0)), "f.html", reasons.RUN_MISSING, "knows no run"),
        ("it's", "f.html", reasons.RUN_MISSING, "knows no run"),
        ("2", "no/such/folder", reasons.INVALID_CONFIGURATION, "cannot be written: No such"),
    ],
)
def test_why_there_is_no_report_is_told(
    registry: Registry, wanted: str, output: str, reason: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(BadConfiguration, match=words) as caught:
        fetching.fetch_report(registry.tracking, wanted, registry.name, tmp_path / output)
    assert caught.value.reason == reason
    assert list(tmp_path.iterdir()) == []


def test_two_versions_stand_side_by_side(registry: Registry) -> None:
    one, other = (read(registry.tracking, registry.name, number) for number in ("1", "2"))
    assert pairs(one, other) == [Pair("0", "1", 2), Pair("1", "0", 1)]
    flat = " ".join(as_table(registry.name, one, other).split())
    assert "macro_f1 0.1 0.2 +0.1" in flat
    assert "aliases - production differs" in flat
    assert "decision Promoted Promoted n" not in flat


def test_labels_are_new_then_unchanged_then_changed(database: Database, plant: Plant) -> None:
    first, second = plant.episode([{"a": 1}], label="old"), plant.episode([{"a": 2}])
    given = [labelling.Label(2, first, "worn"), labelling.Label(3, second, "loose")]
    assert labelling.store(database, "f", given) == labelling.Labelled(1, 1, 0)
    assert labels_in(database) == {first: "worn", second: "loose"}
    assert labelling.store(database, "f", given) == labelling.Labelled(0, 0, 2)
    given[0] = labelling.Label(2, first, "bent")
    assert labelling.store(database, "f", given) == labelling.Labelled(0, 1, 1)
    assert labels_in(database) == {first: "bent", second: "loose"}


def test_an_unknown_episode_changes_nothing(
    database: Database, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "_AT_ONCE", 1)  # the second statement finds it
    episode = plant.episode([{"a": 1}], label="old")
    given = [labelling.Label(2, episode, "new"), labelling.Label(3, 10**18, "x")]
    with pytest.raises(UnusableData, match="line 3: there is no episode 1000000000000000000\\."):
        labelling.store(database, "f", given)
    assert labels_in(database) == {episode: "old"}


def test_a_model_given_labels_is_left_alone(database: Database, plant: Plant) -> None:
    episode = plant.episode([{"a": 1}])
    plant.change(
        "INSERT INTO trainer.episode_labels (failure, source, label) VALUES (:e, 'model', 'x')",
        e=episode,
    )
    labelling.store(database, "f", [labelling.Label(2, episode, "worn")])
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT source, label FROM trainer.episode_labels")
        assert {(row.source, row.label) for row in rows} == {("model", "x"), ("human", "worn")}


@pytest.mark.usefixtures("in_place")
def test_a_version_predicts_the_episodes_of_a_file(registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_text("episode,timestamp,Fx,other\n07,,0.5,x\n8,,2,x\n07,,nan,x\n")
    model = predicting.load(registry.tracking, registry.name, "2")
    answers = predicting.answer(model, predicting.read_readings(file), file)
    assert answers.to_dict("list") == {"episode": ["07", "8"], "mode": [0, 1]}
    with pytest.raises(BadConfiguration, match="There is no version 9"):
        predicting.load(registry.tracking, registry.name, "9")


@pytest.fixture
def in_place(
    registry: Registry, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A folder to type commands in, with the servers in the environment."""
    for name, text in environment(database.settings, MLFLOW_TRACKING_URI=registry.uri).items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)
    mlflow.set_tracking_uri("")


def test_the_commands_as_people_type_them(
    registry: Registry, plant: Plant, in_place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    episode = plant.episode([{"a": 1}])
    (in_place / "labels.csv").write_text(f"episode,label\n{episode},worn\n")
    (in_place / "readings.csv").write_text("episode,Fx\n7,2\n")

    def said(*words: str, named: bool = True) -> str:
        assert cli.main([*words, *(("--name", registry.name) if named else ())]) == 0
        return capsys.readouterr().out

    assert str(in_place / "report-2.html") in said("report", "2")
    assert json.loads(said("compare", "1", "2", "-o", "json"))["pairs"][0] == {
        "modes": ["0", "1"],
        "sharedEpisodes": 2,
    }
    assert f"{registry.name}: version 1 and version 2" in said("compare", "1", "2")
    assert said("label", "labels.csv", named=False).startswith("1 labels: 1 new, 0 changed")
    predicted = said("predict", "--version", "2", "readings.csv")
    assert list(csv.reader(io.StringIO(predicted))) == [["episode", "mode"], ["7", "1"]]
    words = ("predict", "--version", "2", "readings.csv", "--output", "modes.csv")
    assert str(in_place / "modes.csv") in said(*words)
    assert (in_place / "modes.csv").read_text() == predicted


def test_a_command_that_fails_says_why_and_prints_nothing(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    environ = environment(database.settings, MLFLOW_TRACKING_URI=registry.uri)
    words = ("report", "9", "--name", registry.name)
    missing = trainer_job(*words, environ=environ, folder=tmp_path)
    assert (missing.returncode, missing.stdout) == (64, "")
    assert f"no version 9 of {registry.name}" in missing.stderr
    assert "(--tracking-uri)" in missing.stderr
