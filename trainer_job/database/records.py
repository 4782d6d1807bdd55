"""The records of runs: the only judge of whether a run has been decided."""

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from trainer_job.contract import Result, RunIdentity
from trainer_job.database.connection import Database
from trainer_job.database.tables import training_runs


@dataclass(frozen=True)
class RunRecord:
    """What earlier attempts of a run have written."""

    result: Result | None
    episodes: tuple[int, ...] | None
    feature_hash: str | None
    labels: tuple[str | None, ...] | None = None
    """Of the episodes, as people had labelled them then."""
    compared: tuple[int, ...] | None = None
    """Episodes that versions are compared on."""
    compared_hash: str | None = None
    compared_labels: tuple[str | None, ...] | None = None
    salt: str | None = None
    """What decided which episodes are held out; None where an older release wrote the record."""
    champion: str | None = None
    """The version that was in service then; None where there was none."""


def find(database: Database, uid: str) -> RunRecord | None:
    """Return the record of a run, None where no attempt got that far."""
    columns = [training_runs.c[field.name] for field in fields(RunRecord)]
    statement = select(*columns).where(training_runs.c.run_uid == uid)
    row = database.transaction(lambda connection: connection.execute(statement).one_or_none())
    if row is None:
        return None
    # JSON has lists only.
    found: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in row._asdict().items()
    }
    result = found.pop("result")
    return RunRecord(result=Result.model_validate(result) if result else None, **found)


def save(database: Database, run: RunIdentity, **values: Any) -> None:
    """Write columns of a run's record, made where there is none."""
    statement = _made(run, values).on_conflict_do_update(
        index_elements=["run_uid"], set_={**values, "updated_at": func.now()}
    )
    database.transaction(lambda connection: connection.execute(statement))


def save_result(database: Database, run: RunIdentity, result: Result) -> Result:
    """Record how a run was decided, and return what is recorded, as later attempts do.

    An attempt that lost its lock with its connection may come second: the first one counts.
    """
    model = result.model
    values = {
        "result": result.to_json(),
        "decision": result.decision.outcome.value if result.decision else None,
        "mlflow_run_id": model.run_id if model else None,
        "model_version": model.version if model else None,
    }
    statement = _made(run, values).on_conflict_do_update(
        index_elements=["run_uid"],
        set_={**values, "updated_at": func.now()},
        where=training_runs.c.result.is_(None),
    )
    recorded = select(training_runs.c.result).where(training_runs.c.run_uid == run.uid)

    def record(connection: Connection) -> Any:
        connection.execute(statement)
        return connection.execute(recorded).scalar_one()

    return Result.model_validate(database.transaction(record))


def save_decision(database: Database, uid: str, decision: str) -> None:
    """Note what became of a staged version; the attempt's own result stays as it was."""
    statement = (
        update(training_runs)
        .where(training_runs.c.run_uid == uid)
        .values(decision=decision, updated_at=func.now())
    )
    database.transaction(lambda connection: connection.execute(statement))


def _made(run: RunIdentity, values: dict[str, Any]) -> Insert:
    key = {"run_uid": run.uid, "name": run.name, "namespace": run.namespace}
    return insert(training_runs).values(key | values)
