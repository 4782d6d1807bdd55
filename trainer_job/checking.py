"""The check Job: a version that somebody named is looked up, in place of one that is trained."""

from trainer_job import reasons
from trainer_job.contract import Champion, Decision, Outcome, Result, RunDocument, Stage
from trainer_job.database import records
from trainer_job.database.connection import Database, require_tables
from trainer_job.errors import BadConfiguration
from trainer_job.progress import Reporter, report
from trainer_job.promotion import Terms, active, promote
from trainer_job.registry import staged
from trainer_job.registry.staged import Staged
from trainer_job.registry.tracking import Tracking


def check(
    document: RunDocument, database: Database, tracking: Tracking, progress: Reporter
) -> Result:
    """Find the version, and note what is in service: only over that one it is promoted.

    Where nobody else puts it in service, it is promoted here. An earlier attempt's answer stays.

    Parameters
    ----------
    document
        With `check` set.
    database, tracking
        The authority, and the registry.
    progress
        Told where the run is.

    Raises
    ------
    BadConfiguration
        If the version does not exist, is not ready, or was not made by this trainer.
    Unavailable
        If the database or MLflow does not answer in time.
    """
    task = document.check
    if task is None:
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION, "The run document says nothing of what to check."
        )
    require_tables(database)
    record = records.find(database, document.run.uid)
    if record and record.result:
        return record.result
    report(progress, Stage.READING, 0, f"Looking for version {task.version}.")
    found = staged.find(tracking, document, task.version, named=True)
    expected = active(database, tracking, document)
    decision = _decide(document, database, tracking, found, expected)
    report(progress, Stage.REGISTERING, 100, decision.message)
    result = Result(run=document.run.uid, model=found.model, decision=decision)
    return records.save_result(database, document.run, result)


def _decide(
    document: RunDocument,
    database: Database,
    tracking: Tracking,
    found: Staged,
    expected: str | None,
) -> Decision:
    what = f"Version {found.model.version} of {found.model.name} is ready"
    if document.promotion.policy == "Never":
        reason, rest = reasons.PROMOTION_DISABLED, "and spec.promotion.policy is Never."
    elif document.staged:
        reason, rest = reasons.AWAITING_ROLLOUT, "and not yet in service."
    else:
        because = (reasons.NAMED, f"{what}, and spec.source.modelVersion names it.")
        terms = Terms(explicit=True, expected=expected)
        return promote(database, tracking, document, found.model, found.profiles, because, terms)
    return Decision(
        outcome=Outcome.STAGED,
        reason=reason,
        message=f"{what}, {rest}",
        champion=None if expected is None else Champion(version=expected),
    )
