"""Putting a version under its alias: the record in PostgreSQL decides, MLflow follows.

MLflow has no compare-and-set and shares no transaction with the database. So whoever holds the
lock leaves the alias where the record says, and does so before it commits: after a crash the
alias may be one proven version ahead, until the next holder of the lock sets it right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from trainer_job import reasons
from trainer_job.contract import (
    DEFAULT_MODEL_NAME,
    Champion,
    Decision,
    ModelSummary,
    Outcome,
    RunDocument,
)
from trainer_job.database.connection import Database
from trainer_job.database.locks import lock_transaction
from trainer_job.database.tables import clusters, promotions, training_runs, versions
from trainer_job.errors import BadConfiguration
from trainer_job.registry.register import tag_decision
from trainer_job.registry.tracking import NotFound, Tracking


class Slot(NamedTuple):
    """What one version at a time holds: an alias of a registered name on a server."""

    tracking: str
    registered_name: str
    alias: str


class Promotion(NamedTuple):
    """One record of :data:`trainer_job.database.tables.promotions`."""

    version: int
    run_uid: str


@dataclass(frozen=True)
class Terms:
    """On what terms a version is promoted.

    Attributes
    ----------
    outcome
        Promoted, or NotServing where nobody could be asked.
    explicit
        Somebody named the version: it may be older than what was promoted before.
    expected
        Version that must still be in service then; None where none was.
    """

    outcome: Outcome = Outcome.PROMOTED
    explicit: bool = False
    expected: str | None = None


UNCONDITIONAL = Terms()
"""Those of a model that was trained: nothing newer may have been promoted."""


def promote(
    database: Database,
    tracking: Tracking,
    document: RunDocument,
    model: ModelSummary,
    profiles: dict[str, Any],
    because: tuple[str, str] = (reasons.GATES_PASSED, "Every gate passed."),
    terms: Terms = UNCONDITIONAL,
) -> Decision:
    """Record a version as promoted and set the alias, unless that came too late.

    It came too late where a newer one was promoted before; one that somebody named, where
    another than the expected one is in service.

    May be repeated: the answer is the same, and nothing is recorded twice.

    Parameters
    ----------
    database, tracking
        The authority, and the registry.
    document, model, profiles
        The run, its version and the version's cluster profiles.
    because
        Reason and sentence of a promotion.
    terms
        On what terms.

    Raises
    ------
    Unavailable
        If the database or MLflow does not answer in time: nothing is recorded then.
    BadConfiguration
        If one of them refuses.
    """
    slot = Slot(tracking.address, model.name, document.promotion.alias)

    def commit(connection: Connection) -> Decision:
        lock_transaction(connection, "promotion", *slot)
        history = _history(connection, slot)
        candidate = Promotion(int(model.version), document.run.uid)
        in_service = _in_service(history, tracking, slot) if terms.explicit else None
        decision = decide(history, slot, candidate, because, terms, in_service)
        late = decision.outcome is Outcome.SUPERSEDED
        if not late and _place(history, candidate.run_uid) is None:
            history.append(candidate)
            _record(connection, slot, document, model)
            if model.name == DEFAULT_MODEL_NAME:
                _signal(connection, model, profiles)
        connection.execute(
            update(training_runs)
            .where(training_runs.c.run_uid == document.run.uid)
            .values(decision=decision.outcome.value, updated_at=func.now())
        )
        if history:  # else it is not ours: somebody else's, from before the records
            _set_alias(tracking, slot, str(history[-1].version))
        return decision

    # Repeated where the reply to the commit is lost: the record is then found.
    decision = database.transaction(commit)
    tag_decision(tracking, model, decision)
    return decision


def was_promoted(database: Database, tracking: Tracking, document: RunDocument) -> bool:
    """Say whether an earlier attempt of the run has committed its promotion."""
    slot = Slot(tracking.address, document.model.registered_name, document.promotion.alias)

    def look(connection: Connection) -> bool:
        lock_transaction(connection, "promotion", *slot)  # one that is killed may still commit
        return _place(_history(connection, slot), document.run.uid) is not None

    return database.transaction(look)


def active(database: Database, tracking: Tracking, document: RunDocument) -> str | None:
    """Return the version in service: by the records, or by the alias where there are none."""
    slot = Slot(tracking.address, document.model.registered_name, document.promotion.alias)
    history = database.transaction(lambda connection: _history(connection, slot))
    return _in_service(history, tracking, slot)


def _in_service(history: Sequence[Promotion], tracking: Tracking, slot: Slot) -> str | None:
    if history:
        return str(history[-1].version)
    found = champion(tracking, slot.registered_name, slot.alias)
    return None if found is None else found.version


def decide(
    history: Sequence[Promotion],
    slot: Slot,
    candidate: Promotion,
    because: tuple[str, str],
    terms: Terms = UNCONDITIONAL,
    in_service: str | None = None,
) -> Decision:
    """Return whether a candidate is, or long was, promoted.

    Parameters
    ----------
    history
        All promotions of the slot, the active one last.
    slot, candidate
        Where, and who asks.
    because
        Reason and sentence of a promotion.
    terms
        On what terms.
    in_service
        The active version, None where there is none; looked at where the terms are explicit.
    """
    place = _place(history, candidate.run_uid)
    before = history[:place]
    newest = max((each.version for each in before), default=0)
    if place is None and terms.explicit and in_service != terms.expected:
        return _unexpected(slot, candidate, terms, in_service)
    if place is None and not terms.explicit and candidate.version < newest:
        return Decision(
            outcome=Outcome.SUPERSEDED,
            reason=reasons.NEWER_VERSION,
            message=f"Version {candidate.version} of {slot.registered_name} was not promoted: "
            f"version {newest}, which is newer, has held the alias {slot.alias}. Apply a new run "
            "if a model of today's data is wanted.",
            champion=Champion(version=str(history[-1].version)),
        )
    reason, sentence = because
    return Decision(
        outcome=terms.outcome,
        reason=reason,
        message=f"{sentence} Version {candidate.version} of {slot.registered_name} was "
        f"given the alias {slot.alias}.",
        champion=Champion(version=str(before[-1].version)) if before else None,
    )


def _unexpected(slot: Slot, candidate: Promotion, terms: Terms, in_service: str | None) -> Decision:
    return Decision(
        outcome=Outcome.SUPERSEDED,
        reason=reasons.UNEXPECTED_CHAMPION,
        message=f"Version {candidate.version} of {slot.registered_name} was not promoted: version "
        f"{in_service or 'none'} holds the alias {slot.alias}, and {terms.expected or 'none'} did "
        "when the run began. Apply a new run if it is still wanted.",
        champion=None if in_service is None else Champion(version=in_service),
    )


def champion(tracking: Tracking, name: str, alias: str) -> Champion | None:
    """Return the version that has an alias, None where there is none."""
    model = tracking.find(lambda client: client.get_registered_model(name))
    version = None if model is None else model.aliases.get(alias)
    return None if version is None else Champion(version=str(version))


def _set_alias(tracking: Tracking, slot: Slot, version: str) -> None:
    name, alias = slot.registered_name, slot.alias
    try:
        tracking.ask(lambda client: client.set_registered_model_alias(name, alias, version))
    except NotFound:
        raise BadConfiguration(
            reasons.VERSION_MISSING,
            f"Version {version} of {name} is recorded as promoted, but the MLflow server at "
            f"{slot.tracking} does not have it. If the server was made anew or the version was "
            "deleted on purpose, delete its rows in the table trainer.promotions, then apply a new "
            "run.",
        ) from None


def _history(connection: Connection, slot: Slot) -> list[Promotion]:
    table = promotions.c
    rows = connection.execute(
        select(table.version, table.run_uid)
        .where(table.tracking == slot.tracking)
        .where(table.registered_name == slot.registered_name)
        .where(table.alias == slot.alias)
        .order_by(table.id)
    )
    return [Promotion(*row) for row in rows]


def _place(history: Sequence[Promotion], uid: str) -> int | None:
    """Return where an earlier attempt of the run stands in the history, None if nowhere."""
    places = [place for place, each in enumerate(history) if each.run_uid == uid]
    return places[0] if places else None


def _record(connection: Connection, slot: Slot, document: RunDocument, model: ModelSummary) -> None:
    connection.execute(
        insert(promotions).values(
            **slot._asdict(),
            version=int(model.version),
            run_uid=document.run.uid,
            mlflow_run_id=model.run_id,
        )
    )


def _signal(connection: Connection, model: ModelSummary, profiles: dict[str, Any]) -> None:
    """Write the rows that predictors of the replaced service poll; they know no model names."""
    connection.execute(update(clusters).where(clusters.c.is_active).values(is_active=False))
    connection.execute(
        insert(clusters).values(
            mlflow_run_id=model.run_id,
            mlflow_model_version=model.version,
            is_active=True,
            n_clusters=model.clusters,
            silhouette_score=model.silhouette,
            cluster_profiles=profiles,
        )
    )
    connection.execute(
        insert(versions).values(version=model.version, run_id=model.run_id, is_processed=False)
    )
