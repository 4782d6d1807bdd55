"""Runs that would change nothing: the same data, and the same of all that decides about it."""

from sqlalchemy import Connection, text

from trainer_job import reasons
from trainer_job.contract import Decision, Outcome, Result, RunDocument
from trainer_job.database.connection import Database
from trainer_job.registry.incumbents import Incumbent

_SAME = """
    SELECT result FROM trainer.training_runs
    WHERE result #>> '{data,fingerprint}' = :fingerprint AND result #>> '{model,name}' = :name
        AND run_uid <> :uid
    ORDER BY updated_at DESC LIMIT 1
"""


def find(
    database: Database, document: RunDocument, fingerprint: str, incumbent: Incumbent | None
) -> Decision | None:
    """Return the decision to skip a run, None where it may change something.

    Parameters
    ----------
    database
        With the records of earlier runs.
    document, fingerprint
        The run, and what it would be made of.
    incumbent
        The version in service.
    """
    if document.gates.unchanged_data == "Train":
        return None
    values = {
        "fingerprint": fingerprint,
        "name": document.model.registered_name,
        "uid": document.run.uid,
    }

    def read(connection: Connection) -> object:
        return connection.execute(text(_SAME), values).scalar_one_or_none()

    found = database.transaction(read)
    return None if found is None else decide(Result.model_validate(found), incumbent)


def decide(before: Result, incumbent: Incumbent | None) -> Decision | None:
    """Return the decision to skip, given what an earlier run made of the same.

    It is skipped where the earlier run's version is in service, or was rejected in the presence
    of the version that is in service now. What was staged or rolled back may fare better now.
    """
    model, decision = before.model, before.decision
    if model is None or decision is None:
        return None
    serving = None if incumbent is None else incumbent.version
    if incumbent is not None and incumbent.run_uid == before.run:
        told = f"version {model.version}, which is in service, was made of exactly this"
    elif decision.outcome is Outcome.REJECTED and serving == _champion(decision):
        told = f"version {model.version} was made of exactly this, and Rejected"
    else:
        return None
    return Decision(
        outcome=Outcome.SKIPPED,
        reason=reasons.UNCHANGED_DATA,
        message=f"Nothing has changed: {told} (spec.gates.unchangedData is Skip). Wait for new "
        "episodes, or set it to Train.",
    )


def _champion(decision: Decision) -> str | None:
    return None if decision.champion is None else decision.champion.version
