"""The record decides, the alias follows, and predictors of the replaced service are told."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.support.interrupted import Killed, die, interrupted
from tests.support.trained import STAGED, WHERE, make_document, make_trained
from trainer_job import reasons
from trainer_job.contract import (
    DEFAULT_MODEL_NAME,
    Decision,
    ModelSummary,
    Outcome,
    Result,
    RunDocument,
)
from trainer_job.database import records
from trainer_job.database.connection import Database
from trainer_job.database.tables import clusters, promotions, training_runs, versions
from trainer_job.errors import BadConfiguration, Unavailable
from trainer_job.promotion import champion, promote
from trainer_job.registry.register import register
from trainer_job.registry.tracking import Tracking, connect

TRAINED = make_trained()


def rows(database: Database, table: Any) -> list[dict[str, Any]]:
    first = next(iter(table.primary_key.columns))
    with database.engine.connect() as connection:
        found = connection.execute(select(table).order_by(first))
        return [dict(row._mapping) for row in found]


class Plant:
    """A database and a registered name, with what runs do to them."""

    def __init__(self, database: Database, server: str, name: str) -> None:
        self.database = database
        self.server = server
        self.name = name
        self.tracking: Tracking = connect(make_document(server).tracking)

    def staged(self) -> tuple[RunDocument, ModelSummary]:
        """Register a new run's model."""
        document = make_document(self.server, self.name)
        model = register(connect(document.tracking), document, TRAINED, STAGED, WHERE)
        result = Result(run=document.run.uid, model=model, decision=STAGED)
        records.save_result(self.database, document.run, result)
        return document, model

    def promote(
        self, document: RunDocument, model: ModelSummary, tracking: Tracking | None = None
    ) -> Decision:
        return promote(self.database, tracking or self.tracking, document, model, TRAINED.profiles)

    def alias(self) -> str | None:
        found = champion(self.tracking, self.name, "production")
        return found.version if found else None

    def promoted(self) -> list[int]:
        return [row["version"] for row in rows(self.database, promotions)]


@pytest.fixture
def plant(database: Database, mlflow_server: str) -> Plant:
    return Plant(database, mlflow_server, f"model-{uuid.uuid4()}")


@pytest.fixture
def default_plant(database: Database, mlflow_server: str) -> Plant:
    return Plant(database, mlflow_server, DEFAULT_MODEL_NAME)


def test_a_promotion_is_recorded_and_gets_the_alias(plant: Plant) -> None:
    document, model = plant.staged()
    assert plant.alias() is None
    decision = plant.promote(document, model)
    assert decision.outcome is Outcome.PROMOTED
    assert decision.champion is None
    assert "production" in decision.message
    assert plant.alias() == model.version
    (record,) = rows(plant.database, promotions)
    assert record["tracking"] == plant.server
    assert record["registered_name"] == plant.name
    assert record["alias"] == "production"
    assert record["version"] == int(model.version)
    assert record["run_uid"] == document.run.uid
    assert record["mlflow_run_id"] == model.run_id
    (run,) = rows(plant.database, training_runs)
    assert run["decision"] == "Promoted"
    version = plant.tracking.client.get_model_version(model.name, model.version)
    assert version.tags["training.sensors.dev/decision"] == "Promoted"


def test_a_repeated_promotion_gives_the_same_answer_and_no_second_record(plant: Plant) -> None:
    plant.promote(*plant.staged())
    one = plant.staged()
    first = plant.promote(*one)
    assert first.champion is not None
    assert first.champion.version == "1"
    plant.promote(*plant.staged())
    assert plant.promote(*one) == first
    assert plant.promoted() == [1, 2, 3]
    assert plant.alias() == "3"


def test_an_older_version_is_superseded_by_a_newer_one(plant: Plant) -> None:
    old, new = plant.staged(), plant.staged()
    plant.promote(*new)
    decision = plant.promote(*old)
    assert decision.outcome is Outcome.SUPERSEDED
    assert decision.champion is not None
    assert decision.champion.version == new[1].version
    assert plant.promoted() == [2]
    assert plant.alias() == "2"
    decisions = {row["run_uid"]: row["decision"] for row in rows(plant.database, training_runs)}
    assert decisions == {old[0].run.uid: "Superseded", new[0].run.uid: "Promoted"}


def test_other_aliases_and_names_do_not_count(plant: Plant, mlflow_server: str) -> None:
    old, new = plant.staged(), plant.staged()
    plant.promote(*new)
    canary = old[0].model_copy(
        update={"promotion": old[0].promotion.model_copy(update={"alias": "canary"})}
    )
    assert plant.promote(canary, old[1]).outcome is Outcome.PROMOTED
    assert champion(plant.tracking, plant.name, "canary") is not None
    assert plant.alias() == "2"
    other = Plant(plant.database, mlflow_server, f"model-{uuid.uuid4()}")
    assert other.promote(*other.staged()).outcome is Outcome.PROMOTED


def test_after_a_crash_between_alias_and_commit_the_same_run_goes_on(plant: Plant) -> None:
    document, model = plant.staged()
    dying = interrupted(plant.tracking, "set_registered_model_alias", die)
    with pytest.raises(Killed):
        plant.promote(document, model, dying)
    assert plant.promoted() == []
    assert plant.promote(document, model).outcome is Outcome.PROMOTED
    assert plant.promoted() == [1]
    assert plant.alias() == "1"


def test_after_a_crash_the_next_holder_sets_the_alias_right(plant: Plant) -> None:
    first, second, third = plant.staged(), plant.staged(), plant.staged()
    plant.promote(*second)
    dying = interrupted(plant.tracking, "set_registered_model_alias", die)
    with pytest.raises(Killed):
        plant.promote(*third, dying)
    assert plant.alias() == "3"
    assert plant.promote(*first).outcome is Outcome.SUPERSEDED
    assert plant.alias() == "2"


def test_nothing_is_recorded_when_the_alias_cannot_be_set(plant: Plant) -> None:
    document, model = plant.staged()
    nowhere = document.tracking.model_copy(update={"uri": "http://127.0.0.1:9"})
    lost = Tracking(connect_later(nowhere.uri), nowhere, patience=0)
    with pytest.raises(Unavailable, match=r"spec\.tracking\.uri"):
        plant.promote(document, model, lost)
    assert plant.promoted() == []
    assert [row["decision"] for row in rows(plant.database, training_runs)] == ["Staged"]


def connect_later(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri, uri)


def test_of_two_at_once_the_newer_version_ends_in_service(plant: Plant) -> None:
    runs = [plant.staged() for _ in range(4)]
    start = Barrier(len(runs))

    def attempt(run: tuple[RunDocument, ModelSummary]) -> Outcome:
        start.wait(timeout=60)
        return plant.promote(*run).outcome

    with ThreadPoolExecutor(len(runs)) as pool:
        outcomes = list(pool.map(attempt, runs))
    assert outcomes[-1] is Outcome.PROMOTED
    assert plant.alias() == "4"
    promoted = plant.promoted()
    assert promoted == sorted(set(promoted))
    assert promoted == [n + 1 for n in range(4) if outcomes[n] is Outcome.PROMOTED]


def test_of_two_attempts_of_a_run_at_once_one_record_remains(plant: Plant) -> None:
    run = plant.staged()
    start = Barrier(2)

    def attempt(_: int) -> Decision:
        start.wait(timeout=60)
        return plant.promote(*run)

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(attempt, range(2))
    assert one == two
    assert plant.promoted() == [1]


def test_predictors_of_the_replaced_service_are_told(default_plant: Plant) -> None:
    first, second = default_plant.staged(), default_plant.staged()
    default_plant.promote(*first)
    default_plant.promote(*second)
    default_plant.promote(*second)
    written = rows(default_plant.database, clusters)
    assert [row["is_active"] for row in written] == [False, True]
    active = written[1]
    assert active["mlflow_run_id"] == second[1].run_id
    assert active["mlflow_model_version"] == second[1].version
    assert active["n_clusters"] == 3
    assert active["silhouette_score"] == pytest.approx(TRAINED.clustering.silhouette)
    names = list(active["cluster_profiles"]["0"]["all_features"])
    assert names == list(TRAINED.features.columns)
    signals = rows(default_plant.database, versions)
    assert [signal["version"] for signal in signals] == [first[1].version, second[1].version]
    assert [signal["run_id"] for signal in signals] == [first[1].run_id, second[1].run_id]
    assert not any(signal["is_processed"] for signal in signals)


def test_they_hear_nothing_of_other_models(plant: Plant) -> None:
    plant.promote(*plant.staged())
    assert rows(plant.database, clusters) == []
    assert rows(plant.database, versions) == []


def test_a_superseded_model_leaves_their_rows_alone(default_plant: Plant) -> None:
    old, new = default_plant.staged(), default_plant.staged()
    default_plant.promote(*new)
    before = rows(default_plant.database, clusters)
    default_plant.promote(*old)
    assert rows(default_plant.database, clusters) == before


def test_without_alias_or_model_there_is_no_champion(plant: Plant) -> None:
    assert champion(plant.tracking, plant.name, "production") is None
    plant.staged()
    assert champion(plant.tracking, plant.name, "production") is None


def test_a_registry_made_anew_says_what_to_do(plant: Plant) -> None:
    document, model = plant.staged()
    plant.promote(document, model)
    plant.tracking.client.delete_registered_model(plant.name)
    # It counts from 1 again; an earlier promotion was of version 7.
    with plant.database.engine.begin() as connection:
        connection.execute(update(promotions).values(version=7))
    document, model = plant.staged()
    with pytest.raises(BadConfiguration, match=r"Version 7 .*trainer\.promotions") as caught:
        plant.promote(document, model)
    assert caught.value.reason == reasons.VERSION_MISSING
