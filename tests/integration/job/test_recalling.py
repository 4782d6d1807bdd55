"""The recall Job answers what the record says, and does nothing else."""

import uuid

import pytest

from tests.integration.job.test_promotion import rows
from tests.support.postgres import PostgresServer
from tests.support.trained import STAGED, make_document
from trainer_job import reasons
from trainer_job.contract import Result, RunDocument
from trainer_job.database import records
from trainer_job.database.connection import Database, connect
from trainer_job.database.tables import training_runs
from trainer_job.errors import BadConfiguration
from trainer_job.recalling import recall


@pytest.fixture
def document() -> RunDocument:
    return make_document("http://nowhere:1", f"model-{uuid.uuid4()}")


def test_the_result_is_recalled_by_uid(database: Database, document: RunDocument) -> None:
    result = Result(run=document.run.uid, decision=STAGED)
    other = make_document("http://nowhere:1", document.model.registered_name)
    records.save_result(database, other.run, Result(run=other.run.uid, decision=STAGED))
    records.save_result(database, document.run, result)
    before = rows(database, training_runs)
    assert recall(document, database) == result
    assert rows(database, training_runs) == before


def test_a_run_without_a_decision_is_told_apart(database: Database, document: RunDocument) -> None:
    with pytest.raises(BadConfiguration) as missing:
        recall(document, database)
    assert missing.value.reason == reasons.NO_RECORD
    records.save(database, document.run, salt="s")  # an attempt that began
    with pytest.raises(BadConfiguration) as undecided:
        recall(document, database)
    assert undecided.value.reason == reasons.NO_RECORD
    assert document.run.uid in undecided.value.to_failure().message


def test_a_database_without_tables_says_so(postgres: PostgresServer, document: RunDocument) -> None:
    with pytest.raises(BadConfiguration) as missing:
        recall(document, connect(postgres.create_database()))
    assert missing.value.reason == reasons.NOT_MIGRATED
