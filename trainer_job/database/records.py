"""The records of runs: the only judge of whether a run has been decided."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from trainer_job.contract import Result, RunIdentity
from trainer_job.database.connection import Database
from trainer_job.database.tables import training_runs


@dataclass(frozen=True)
class RunRecord:
    """What earlier attempts of a run have written."""

    result: Result | None
    episodes: tuple[int, ...] | None
    feature_hash: str | None


def find(database: Database, uid: str) -> RunRecord | None:
    """Return the record of a run, None where no attempt got that far."""
    columns = (training_runs.c.result, training_runs.c.episodes, training_runs.c.feature_hash)
    with database.errors(), database.engine.connect() as connection:
        row = connection.execute(
            select(*columns).where(training_runs.c.run_uid == uid)
        ).one_or_none()
    if row is None:
        return None
    return RunRecord(
        result=Result.model_validate(row.result) if row.result else None,
        episodes=None if row.episodes is None else tuple(row.episodes),
        feature_hash=row.feature_hash,
    )


def save(database: Database, run: RunIdentity, **values: Any) -> None:
    """Write columns of a run's record, made where there is none."""
    key = {"run_uid": run.uid, "name": run.name, "namespace": run.namespace}
    statement = insert(training_runs).values(key | values)
    statement = statement.on_conflict_do_update(
        index_elements=["run_uid"], set_={**values, "updated_at": func.now()}
    )
    with database.errors(), database.engine.begin() as connection:
        connection.execute(statement)


def save_result(database: Database, run: RunIdentity, result: Result) -> None:
    """Record how a run was decided; later attempts return exactly this."""
    model = result.model
    save(
        database,
        run,
        result=result.to_json(),
        decision=result.decision.outcome.value if result.decision else None,
        mlflow_run_id=model.run_id if model else None,
        model_version=model.version if model else None,
    )


def save_decision(database: Database, uid: str, decision: str) -> None:
    """Note what became of a staged version; the attempt's own result stays as it was."""
    statement = (
        update(training_runs)
        .where(training_runs.c.run_uid == uid)
        .values(decision=decision, updated_at=func.now())
    )
    with database.errors(), database.engine.begin() as connection:
        connection.execute(statement)
