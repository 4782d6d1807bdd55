"""The recall Job: how a run was decided, from the record of the attempt that decided it."""

from trainer_job import reasons
from trainer_job.contract import Result, RunDocument
from trainer_job.database import records
from trainer_job.database.connection import Database, require_tables
from trainer_job.errors import BadConfiguration


def recall(document: RunDocument, database: Database) -> Result:
    """Return the recorded result of a run; nothing is read but its record, and nothing written.

    Parameters
    ----------
    document
        The run's.
    database
        Where its record is.

    Raises
    ------
    BadConfiguration
        If no attempt has recorded a decision.
    """
    require_tables(database)
    uid = document.run.uid
    record = records.find(database, uid)
    if record is None or record.result is None:
        raise BadConfiguration(reasons.NO_RECORD, f"The records hold no decision of the run {uid}.")
    return record.result
