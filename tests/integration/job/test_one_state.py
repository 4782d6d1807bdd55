"""A later attempt of a run decides on what the first one has found, whatever came between."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.bench import Bench, comparison, decided
from tests.support.interrupted import Killed
from tests.support.plant import START
from trainer_job import reasons
from trainer_job.contract import Outcome, Result, RunDocument
from trainer_job.database import records
from trainer_job.database.connection import Database
from trainer_job.errors import UnusableData
from trainer_job.registry.incumbents import SALT_TAG

PARTS: dict[str, Any] = {
    "data": {"lookback": "8d"},
    "model": {"clusters": 4},
    "gates": {"champion": {"fraction": 0.5}},
}
EARLIER = START - timedelta(days=12)
"""Before the window, and within what versions are compared on."""


@pytest.fixture
def service(database: Database, mlflow_server: str, undrawn: None) -> Bench:
    """Eight days of four failure modes on two machines, and a version in service."""
    service = Bench(database, mlflow_server)
    service.plant.days(8)
    service.plant.days(3, last=EARLIER)
    assert decided(service.run(**PARTS)) == (Outcome.PROMOTED, reasons.GATES_PASSED)
    return service


def killed_at_the_end(service: Bench, document: RunDocument) -> Result:
    """Return what an attempt decided that was killed before it could write that down."""
    told: list[Result] = []

    def die(database: object, run: object, result: Result) -> Result:
        told.append(result)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "save_result", die)
        with pytest.raises(Killed):
            service.train(document)
    return told[0]


def test_an_attempt_after_the_promotion_compares_as_the_one_before(service: Bench) -> None:
    document = service.document(**PARTS)
    first = killed_at_the_end(service, document)
    assert decided(first) == (Outcome.PROMOTED, reasons.GATES_PASSED)
    assert comparison(first) is not None
    assert service.alias() == "2"  # its own version holds the alias by now
    again = service.train(document)
    assert again == first
    assert again.decision is not None
    assert again.decision.champion is not None
    assert again.decision.champion.version == "1"


def test_what_changes_meanwhile_changes_no_decision(service: Bench) -> None:
    document = service.document(**PARTS)
    first = killed_at_the_end(service, document)
    service.plant.days(3, last=EARLIER, names=("m3", "m4"))
    service.plant.change("UPDATE trainer.episode_labels SET label = 'same'")
    client = service.tracking().client
    client.set_registered_model_tag(service.name, SALT_TAG, "another")
    assert service.train(document) == first


def test_a_champion_that_was_deleted_meanwhile_is_told(service: Bench) -> None:
    document = service.document(**PARTS)
    assert comparison(killed_at_the_end(service, document)) is not None
    service.tracking().client.delete_model_version(service.name, "1")
    again = service.train(document)
    assert comparison(again) is None
    assert again.decision is not None
    assert "it was deleted since the first attempt" in again.decision.message


def test_held_out_readings_that_changed_meanwhile_are_refused(service: Bench) -> None:
    document = service.document(**PARTS)
    killed_at_the_end(service, document)
    # A late reading of each earlier episode: only held-out ones of them count.
    service.plant.change(
        'INSERT INTO readings ("timestamp", "values", machine, failure) '
        """SELECT start_time, '{"Fx": 1}', machine, id FROM failures WHERE start_time < :end""",
        end=EARLIER + timedelta(hours=1),
    )
    with pytest.raises(UnusableData, match="that versions are compared on") as caught:
        service.train(document)
    assert caught.value.reason == reasons.DATA_CHANGED
