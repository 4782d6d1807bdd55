"""A version that somebody names: looked up, and put back or forth only over the expected one."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.interrupted import Killed, die, interrupted
from tests.support.trained import STAGED, WHERE, make_document, make_trained
from trainer_job import reasons
from trainer_job.checking import check
from trainer_job.contract import (
    CheckTask,
    Decision,
    Outcome,
    PromoteTask,
    PromotionSpec,
    Result,
    RunDocument,
)
from trainer_job.database.connection import Database
from trainer_job.database.tables import promotions, training_runs
from trainer_job.errors import BadConfiguration
from trainer_job.promotion import champion, promote
from trainer_job.proving import prove_and_promote
from trainer_job.registry.register import register
from trainer_job.registry.tracking import Tracking, connect

TRAINED = make_trained()


class Plant:
    """A registered name with some versions, and the runs that name one of them."""

    def __init__(self, database: Database, server: str) -> None:
        self.database = database
        self.server = server
        self.name = f"model-{uuid.uuid4()}"
        self.tracking: Tracking = connect(make_document(server).tracking)

    def trained(self) -> str:
        """Train a version, promote it, and return its number."""
        document = make_document(self.server, self.name)
        model = register(connect(document.tracking), document, TRAINED, STAGED, WHERE)
        promote(self.database, self.tracking, document, model, TRAINED.profiles)
        return model.version

    def naming(self, version: str, policy: str = "Automatic", *, staged: bool) -> RunDocument:
        promotion = PromotionSpec.model_validate({"policy": policy})
        update = {"check": CheckTask(version=version), "promotion": promotion, "staged": staged}
        return make_document(self.server, self.name).model_copy(update=update)

    def check(self, document: RunDocument, tracking: Tracking | None = None) -> Result:
        return check(document, self.database, tracking or self.tracking, lambda _: None)

    def decided(self, document: RunDocument) -> Decision:
        decision = self.check(document).decision
        assert decision is not None
        return decision

    def promote(self, document: RunDocument, **task: Any) -> Decision:
        """Promote as the operator does after a check; nobody is asked."""
        assert document.check is not None
        given = {"version": document.check.version, "explicit": True, **task}
        update = {"check": None, "promote": PromoteTask.model_validate(given)}
        later = document.model_copy(update=update)
        decision = prove_and_promote(later, self.database, self.tracking, lambda _: None).decision
        assert decision is not None
        return decision

    def alias(self) -> str | None:
        found = champion(self.tracking, self.name, "production")
        return found.version if found else None

    def promoted(self) -> list[int]:
        statement = select(promotions.c.version).order_by(promotions.c.id)
        with self.database.engine.connect() as connection:
            return list(connection.execute(statement).scalars())


@pytest.fixture
def plant(database: Database, mlflow_server: str) -> Plant:
    return Plant(database, mlflow_server)


def test_a_version_that_is_there_is_staged_with_what_it_would_replace(plant: Plant) -> None:
    one, two = plant.trained(), plant.trained()
    document = plant.naming(one, staged=True)
    result = plant.check(document)
    assert result.model is not None
    assert (result.model.version, result.model.clusters) == (one, 3)
    assert result.decision is not None
    assert (result.decision.outcome, result.decision.reason) == (
        Outcome.STAGED,
        reasons.AWAITING_ROLLOUT,
    )
    assert result.decision.champion is not None
    assert result.decision.champion.version == two
    assert (plant.alias(), plant.promoted()) == (two, [1, 2])
    plant.trained()  # another attempt says what the first one found
    assert plant.check(document) == result


def test_a_version_goes_back_and_forth(plant: Plant) -> None:
    one, two = plant.trained(), plant.trained()
    back = plant.naming(one, staged=True)
    plant.check(back)
    assert plant.promote(back, expected=two).outcome is Outcome.PROMOTED
    assert (plant.alias(), plant.promoted()) == (one, [1, 2, 1])
    forth = plant.naming(two, staged=True)
    assert plant.decided(forth).champion == champion(plant.tracking, plant.name, "production")
    assert plant.promote(forth, expected=one).outcome is Outcome.PROMOTED
    assert (plant.alias(), plant.promoted()) == (two, [1, 2, 1, 2])
    assert plant.trained() == "3"  # what is trained next is newer than all of them
    assert plant.alias() == "3"


def test_what_came_into_service_meanwhile_stays(plant: Plant) -> None:
    one, two = plant.trained(), plant.trained()
    document = plant.naming(one, staged=True)
    plant.check(document)
    three = plant.trained()
    decision = plant.promote(document, expected=two)
    assert (decision.outcome, decision.reason) == (
        Outcome.SUPERSEDED,
        reasons.UNEXPECTED_CHAMPION,
    )
    assert decision.champion is not None
    assert decision.champion.version == three
    assert (plant.alias(), plant.promoted()) == (three, [1, 2, 3])


def test_of_two_that_are_named_at_once_one_comes_into_service(plant: Plant) -> None:
    one, two, three = plant.trained(), plant.trained(), plant.trained()
    documents = [plant.naming(version, staged=True) for version in (one, two)]
    for document in documents:
        plant.check(document)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda each: plant.promote(each, expected=three), documents))
    assert sorted(each.outcome for each in found) == ["Promoted", "Superseded"]
    winner = next(
        number
        for number, each in zip((one, two), found, strict=True)
        if each.outcome is Outcome.PROMOTED
    )
    assert (plant.alias(), plant.promoted()) == (winner, [1, 2, 3, int(winner)])


def test_an_alias_from_before_the_records_is_what_is_expected(plant: Plant) -> None:
    document = make_document(plant.server, plant.name)
    model = register(connect(document.tracking), document, TRAINED, STAGED, WHERE)
    client = plant.tracking.client
    client.set_registered_model_alias(plant.name, "production", model.version)
    named = plant.naming(model.version, staged=True)
    decision = plant.decided(named)
    assert decision.champion is not None
    assert decision.champion.version == model.version
    client.delete_registered_model_alias(plant.name, "production")
    assert plant.promote(named, expected=model.version).outcome is Outcome.SUPERSEDED
    assert (plant.alias(), plant.promoted()) == (None, [])


def test_without_a_predictor_it_is_promoted_at_once(plant: Plant) -> None:
    one, two = plant.trained(), plant.trained()
    document = plant.naming(one, staged=False)
    decision = plant.decided(document)
    assert (decision.outcome, decision.reason) == (Outcome.PROMOTED, reasons.NAMED)
    assert (plant.alias(), plant.promoted()) == (one, [1, int(two), 1])
    statement = select(training_runs.c.decision).where(training_runs.c.run_uid == document.run.uid)
    with plant.database.engine.connect() as connection:
        assert connection.execute(statement).scalar_one() == "Promoted"


def test_an_attempt_that_dies_after_its_promotion_is_gone_on_with(plant: Plant) -> None:
    one, _ = plant.trained(), plant.trained()
    document = plant.naming(one, staged=False)
    dying = interrupted(plant.tracking, "log_batch", die)  # after the commit: tags of the run
    with pytest.raises(Killed):
        plant.check(document, dying)
    assert plant.promoted() == [1, 2, 1]
    assert plant.decided(document).outcome is Outcome.PROMOTED
    assert (plant.alias(), plant.promoted()) == (one, [1, 2, 1])


def test_with_the_policy_never_nothing_is_promoted(plant: Plant) -> None:
    one, two = plant.trained(), plant.trained()
    decision = plant.decided(plant.naming(one, "Never", staged=False))
    assert (decision.outcome, decision.reason) == (
        Outcome.STAGED,
        reasons.PROMOTION_DISABLED,
    )
    assert plant.alias() == two


def test_a_version_that_is_not_there_is_named(plant: Plant) -> None:
    plant.trained()
    with pytest.raises(BadConfiguration, match=r"Version 7 of .* does not exist") as caught:
        plant.check(plant.naming("7", staged=True))
    assert caught.value.reason == reasons.VERSION_MISSING


def test_a_version_of_another_trainer_is_refused(plant: Plant) -> None:
    client = plant.tracking.client
    client.create_registered_model(plant.name)
    client.create_model_version(plant.name, "s3://elsewhere/model", await_creation_for=0)
    with pytest.raises(BadConfiguration, match="not made by this trainer") as caught:
        plant.check(plant.naming("1", staged=True))
    assert caught.value.reason == reasons.VERSION_MISSING


def test_a_version_that_is_not_ready_is_refused(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = plant.trained()
    version = plant.tracking.client.get_model_version(plant.name, one)
    monkeypatch.setattr(type(version), "status", "FAILED_REGISTRATION")
    with pytest.raises(BadConfiguration, match="FAILED_REGISTRATION") as caught:
        plant.check(plant.naming(one, staged=True))
    assert caught.value.reason == reasons.VERSION_NOT_READY


def test_where_nobody_can_be_asked_the_alias_says_so(plant: Plant) -> None:
    one, two = plant.trained(), plant.trained()
    document = plant.naming(one, staged=True)
    decision = plant.promote(document, expected=two, outcome="NotServing")
    assert (decision.outcome, decision.reason) == (Outcome.NOT_SERVING, reasons.NOT_SERVING)
    assert f"spec.source.modelVersion: '{one}'" in decision.message
    assert plant.promote(document, expected=two, outcome="NotServing") == decision
    assert (plant.alias(), plant.promoted()) == (one, [1, 2, 1])
