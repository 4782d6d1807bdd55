"""The train Job on a real database and a real MLflow server, each run in a model of its own."""

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.bench import Bench, decided
from tests.support.interrupted import Killed, die, interrupted
from tests.support.plant import ROBOT_FAILURES
from tests.support.trained import AS_OF
from trainer_job import reasons
from trainer_job.contract import Outcome, Result, Stage
from trainer_job.database import records
from trainer_job.database.connection import Database
from trainer_job.errors import UnusableData
from trainer_job.loading import load
from trainer_job.patterns import read_patterns


@pytest.fixture
def bench(database: Database, mlflow_server: str) -> Bench:
    return Bench(database, mlflow_server)


def test_a_model_that_passes_is_promoted(bench: Bench) -> None:
    bench.plant.modes(12)
    document = bench.document()
    result = bench.train(document)
    assert decided(result) == (Outcome.PROMOTED, reasons.GATES_PASSED)
    assert result.data is not None
    assert (result.data.episodes, result.data.readings, result.data.machines) == (12, 24, 1)
    assert (result.data.since, result.data.until) == (AS_OF - timedelta(hours=1), AS_OF)
    assert result.model is not None
    assert (result.model.f1, result.model.clusters) == (1, 3)
    assert bench.alias() == result.model.version
    (version,) = bench.versions(document)
    assert version.tags["training.sensors.dev/decision"] == "Promoted"


def test_progress_tells_each_stage_once(bench: Bench) -> None:
    bench.plant.modes(12)
    bench.train(bench.document())
    assert [progress.stage for progress in bench.told] == [
        *(Stage.READING, Stage.FEATURES, Stage.CLUSTERING),
        *(Stage.EVALUATING, Stage.REGISTERING, Stage.PROMOTING),
    ]
    percents = [progress.percent for progress in bench.told]
    assert percents == sorted(percents)


@pytest.mark.parametrize(
    ("features", "f1", "outcome"),
    [("robust", 0.81, Outcome.PROMOTED), ("basic", 0.49, Outcome.REJECTED)],
)
def test_the_robot_failures_score_as_measured(
    bench: Bench, features: str, f1: float, outcome: Outcome
) -> None:
    load(bench.database, ROBOT_FAILURES / "lp4.data.txt", AS_OF)
    document = bench.document(features={"set": features})
    result = bench.train(document)
    assert result.model is not None
    assert result.model.f1 is not None
    assert round(result.model.f1, 2) == f1
    assert decided(result)[0] is outcome
    assert (bench.alias() is not None) == (outcome is Outcome.PROMOTED)


def test_a_rejected_model_is_registered_without_the_alias(bench: Bench) -> None:
    bench.plant.modes(12)
    document = bench.document(gates={"minSilhouette": 1.0})
    result = bench.train(document)
    assert decided(result) == (Outcome.REJECTED, reasons.SILHOUETTE_TOO_LOW)
    (version,) = bench.versions(document)
    assert version.tags["training.sensors.dev/decision"] == "Rejected"
    assert bench.alias() is None
    assert bench.plant.counts()["promotions"] == 0


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"staged": True}, reasons.AWAITING_ROLLOUT),
        ({"promotion": {"policy": "Never"}}, reasons.PROMOTION_DISABLED),
        ({"promotion": {"policy": "Never"}, "staged": True}, reasons.PROMOTION_DISABLED),
    ],
)
def test_a_model_that_somebody_else_puts_in_service_is_staged(
    bench: Bench, parts: dict[str, Any], reason: str
) -> None:
    bench.plant.modes(12)
    first = bench.train(bench.document())
    document = bench.document(**parts)
    result = bench.train(document)
    assert decided(result) == (Outcome.STAGED, reason)
    assert first.model is not None
    assert result.model is not None
    assert int(result.model.version) == int(first.model.version) + 1
    assert result.decision is not None
    assert result.decision.champion is not None
    assert result.decision.champion.version == first.model.version
    assert bench.alias() == first.model.version


@pytest.mark.parametrize("episodes", [0, 9])
def test_too_few_episodes_are_skipped_and_nothing_is_registered(
    bench: Bench, episodes: int
) -> None:
    bench.plant.modes(episodes)
    document = bench.document()
    result = bench.train(document)
    assert decided(result) == (Outcome.SKIPPED, reasons.TOO_FEW_EPISODES)
    assert result.decision is not None
    assert result.decision.message.startswith(f"{episodes} episodes in the last 1h, 10 needed")
    assert result.model is None
    bench.assert_nothing_registered(document)
    # More data change nothing: the run was decided.
    bench.plant.modes(12)
    assert bench.train(document) == result


def test_episodes_that_are_all_alike_cannot_be_clustered(bench: Bench) -> None:
    for _ in range(10):
        bench.plant.episode([{"a": 1}, {"a": 2}])
    document = bench.document()
    with pytest.raises(UnusableData, match=r"Only 1 of 10 episodes.*3 clusters"):
        bench.train(document)
    bench.assert_nothing_registered(document)
    record = records.find(bench.database, document.run.uid)
    assert record is not None
    assert record.result is None


def test_machines_without_a_common_sensor_are_refused(bench: Bench) -> None:
    for number in range(10):
        bench.plant.episode([{f"s{number}": 1}])
    document = bench.document()
    with pytest.raises(UnusableData, match="No sensor has usable readings in most"):
        bench.train(document)
    bench.assert_nothing_registered(document)


def test_an_episode_without_a_sensor_of_the_others_is_left_out(bench: Bench) -> None:
    ids = bench.plant.modes(12)
    bench.plant.episode([{"Fx": 1, "Fy": "broken"}])
    document = bench.document()
    result = bench.train(document)
    assert result.data is not None
    assert (result.data.episodes, decided(result)[0]) == (len(ids), Outcome.PROMOTED)
    assert "1 of 13 episodes left out" in bench.told[2].message


def test_too_few_complete_episodes_are_skipped(bench: Bench) -> None:
    bench.plant.modes(9)
    for _ in range(2):
        bench.plant.episode([{"Fx": 1}])
    result = bench.train(bench.document())
    assert decided(result) == (Outcome.SKIPPED, reasons.TOO_FEW_EPISODES)
    assert result.decision is not None
    assert "9 of 11 episodes" in result.decision.message
    assert "Fy in 2" in result.decision.message


def test_a_decided_run_is_never_run_again(bench: Bench) -> None:
    bench.plant.modes(12)
    document = bench.document()
    first = bench.train(document)
    bench.plant.modes(12, labels=("a", "b"))
    bench.told.clear()
    assert bench.train(document) == first
    assert bench.told == []
    assert len(bench.versions(document)) == 1


@pytest.mark.parametrize(
    "method",
    ["create_run", "log_artifacts", "create_model_version", "set_registered_model_alias"],
)
def test_an_attempt_that_is_killed_is_gone_on_with(bench: Bench, method: str) -> None:
    ids = bench.plant.modes(12)
    document = bench.document()
    with pytest.raises(Killed):
        bench.train(document, tracking=interrupted(bench.tracking(document), method, die))
    # Episodes that arrive between the attempts belong to no run of before.
    bench.plant.modes(6)
    result = bench.train(document)
    assert decided(result)[0] is Outcome.PROMOTED
    assert result.data is not None
    assert result.data.episodes == len(ids)
    (version,) = bench.versions(document)
    assert result.model is not None
    assert version.version == result.model.version == bench.alias()
    assert bench.plant.counts()["promotions"] == 1


def test_an_attempt_on_other_data_than_the_first_is_refused(bench: Bench) -> None:
    bench.plant.modes(12)
    document = bench.document()
    with pytest.raises(Killed):
        bench.train(document, tracking=interrupted(bench.tracking(document), "create_run", die))
    bench.plant.change(
        """INSERT INTO readings ("timestamp", "values", machine, failure)
        SELECT "timestamp", '{"Fx": 5, "Fy": 0}', machine, failure FROM readings WHERE id = 1"""
    )
    with pytest.raises(UnusableData, match="12 episodes of this run were changed") as caught:
        bench.train(document)
    assert caught.value.reason == reasons.DATA_CHANGED


def test_readings_that_were_changed_after_they_were_kept_need_a_rebuild(bench: Bench) -> None:
    bench.plant.modes(12)
    bench.train(bench.document())
    bench.plant.change("""UPDATE readings SET "values" = '{"Fx": 5, "Fy": 0}' WHERE id < 9""")
    with pytest.raises(UnusableData, match=r"changed or deleted.*spec\.source\.data\.rebuild"):
        bench.train(bench.document())
    result = bench.train(bench.document(data={"rebuild": True}))
    assert decided(result)[0] in {Outcome.PROMOTED, Outcome.REJECTED}


def test_two_attempts_at_once_are_one_run(bench: Bench) -> None:
    bench.plant.modes(12)
    document = bench.document()
    results: list[Result] = []
    threads = [
        threading.Thread(target=lambda: results.append(bench.train(document))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(results) == 2
    assert results[0] == results[1]
    # The second waited, and trained nothing.
    assert [progress.stage for progress in bench.told].count(Stage.CLUSTERING) == 1
    assert len(bench.versions(document)) == 1
    assert bench.plant.counts()["promotions"] == 1


def test_patterns_name_clusters_and_judge_nothing(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "data_sensors.csv"
    rows = [f"{20 * mode},{9 * mode + k % 2},{'xyz'[mode]}" for mode in range(3) for k in range(8)]
    file.write_text("\n".join(["Fx,Fy,Label", *rows, ""]))
    bench.plant.modes(12, labels=(None, None, None))
    document = bench.document()
    result = bench.train(document, patterns=read_patterns(file))
    assert decided(result)[0] is Outcome.PROMOTED
    assert result.model is not None
    assert result.model.f1 is None
    assert sorted(labels(bench, result)) == ["x", "y", "z"]


def test_labels_of_people_come_before_patterns(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "data_sensors.csv"
    file.write_text("Fx,Fy,Label\n0,0,x\n0,0,y\n")
    bench.plant.modes(12)
    result = bench.train(bench.document(), patterns=read_patterns(file))
    assert result.model is not None
    assert (result.model.f1, result.model.f1_on) == (1, "Training")
    assert sorted(labels(bench, result)) == ["jammed", "loose", "worn"]


def labels(bench: Bench, result: Result) -> list[str]:
    """Return what the clusters of a model are called in its profiles."""
    assert result.model is not None
    client = bench.tracking().client
    path = Path(client.download_artifacts(result.model.run_id, "cluster_profiles.json"))
    return [profile["label"] for profile in json.loads(path.read_text()).values()]
