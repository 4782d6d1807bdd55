"""The ledger of failure modes: numbers that a registered name gives once and never again."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from trainer_job.database.connection import Database
from trainer_job.database.locks import lock_transaction
from trainer_job.database.tables import modes

Number = Callable[[int], Sequence[int]]
"""Returns the mode of each cluster, given the first number that was never used."""


def find(database: Database, tracking: str, name: str, run_uid: str) -> tuple[int, ...] | None:
    """Return the mode of each cluster of a run's model; None where it has none."""

    def work(connection: Connection) -> tuple[int, ...] | None:
        return _find(connection, tracking, name, run_uid)

    return database.transaction(work)


def enter(
    database: Database, tracking: str, name: str, run_uid: str, number: Number
) -> tuple[int, ...]:
    """Return the mode of each cluster; entered where an earlier attempt has not.

    Parameters
    ----------
    database
        The authority.
    tracking, name
        Server and registered name that the modes belong to.
    run_uid
        The run that made the model.
    number
        Asked under the ledger's lock.
    """

    def work(connection: Connection) -> tuple[int, ...]:
        lock_transaction(connection, "modes", tracking, name)
        if (found := _find(connection, tracking, name, run_uid)) is not None:
            return found
        highest = connection.execute(
            select(func.max(modes.c.mode)).where(
                modes.c.tracking == tracking, modes.c.registered_name == name
            )
        ).scalar_one()
        numbers = tuple(number(0 if highest is None else highest + 1))
        key = {"tracking": tracking, "registered_name": name, "run_uid": run_uid}
        rows = [key | {"cluster": cluster, "mode": mode} for cluster, mode in enumerate(numbers)]
        connection.execute(insert(modes), rows)
        return numbers

    return database.transaction(work)


def _find(connection: Connection, tracking: str, name: str, run_uid: str) -> tuple[int, ...] | None:
    rows = connection.execute(
        select(modes.c.mode)
        .where(
            modes.c.tracking == tracking,
            modes.c.registered_name == name,
            modes.c.run_uid == run_uid,
        )
        .order_by(modes.c.cluster)
    ).scalars()
    return tuple(rows) or None
