"""Two promotions at once end with the newer version in service, in whatever order they go on.

The steps are those of the real code on the real database: each thread stops before it takes the
lock, reads, records, sets the alias, commits. Only MLflow's alias is a dictionary.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.plant import Plant
from tests.support.processes import wait_for
from tests.support.trained import make_document
from tests.support.turns import Actor, Choices, every_order, step
from trainer_job import promotion
from trainer_job.contract import DEFAULT_MODEL_NAME, ModelSummary
from trainer_job.database.connection import Database
from trainer_job.promotion import promote
from trainer_job.registry.tracking import Tracking

STEPS = {
    "pg_advisory_xact_lock": "lock",
    "SELECT trainer.promotions": "read",
    "INSERT INTO trainer.promotions": "record",
}


class Aliases:
    """As much of MLflow's client as a promotion needs."""

    def __init__(self) -> None:
        self.held: str | None = None

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        step("alias")
        self.held = version

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **keywords: None


@dataclass
class Race:
    """Promotions of versions 1 and 2, in one order."""

    database: Database
    name: str
    aliases: Aliases = field(default_factory=Aliases)
    trace: list[str] = field(default_factory=list)

    def run(self, choices: Choices) -> None:
        """Let both go on to their end, one step of one of them at a time."""
        for table in ("trainer.promotions", "clusters", "versions"):
            Plant(self.database).change(f"DELETE FROM {table}")
        actors = [self._actor(version) for version in ("1", "2")]
        holder: Actor | None = None
        waiting: Actor | None = None
        while able := [actor for actor in actors if actor.next and actor is not waiting]:
            actor = choices.choose(able) if len(able) > 1 else able[0]
            self.trace.append(f"{actors.index(actor) + 1} {actor.next}")
            does = actor.next
            actor.go()
            if does == "lock" and holder is not None:
                waiting = actor
                wait_for(self._somebody_waits, "a promotion that waits for the lock")
                continue
            actor.wait()
            if does == "lock":
                holder = actor
            elif does == "commit" and holder is not None:
                holder, waiting = waiting, None
                if holder is not None:
                    holder.wait()

    def recorded(self) -> str:
        """Return the version that the database says is in service."""
        last = "SELECT version::text FROM trainer.promotions ORDER BY id DESC LIMIT 1"
        return str(self._scalar(last))

    def told(self) -> str:
        """Return the version that predictors of the replaced service are told."""
        (active,) = self._rows("SELECT mlflow_model_version FROM clusters WHERE is_active")
        return str(active[0])

    def _actor(self, version: str) -> Actor:
        document = make_document("http://mlflow:5000", self.name)
        tracking = Tracking(self.aliases, document.tracking, experiment="1")
        uri = f"models:/{self.name}/{version}"
        model = ModelSummary(name=self.name, version=version, run_id="r", uri=uri, clusters=3)
        return Actor(lambda: promote(self.database, tracking, document, model, {}))

    def _somebody_waits(self) -> bool:
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool(self._scalar(waits))

    def _scalar(self, statement: str) -> Any:
        return self._rows(statement)[0][0]

    def _rows(self, statement: str) -> list[Any]:
        with self.database.engine.connect() as connection:
            return list(connection.execute(text(statement)))


@pytest.fixture
def stepping(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database on which an actor stops before each step of a promotion."""
    dialect = database.engine.dialect
    execute, commit = dialect.do_execute, dialect.do_commit

    def do_execute(cursor: Any, statement: str, *rest: Any) -> None:
        for words, name in STEPS.items():
            if words in statement:
                step(name)
        execute(cursor, statement, *rest)

    def do_commit(connection: Any) -> None:
        step("commit")
        commit(connection)

    monkeypatch.setattr(dialect, "do_execute", do_execute)
    monkeypatch.setattr(dialect, "do_commit", do_commit)
    return database


def test_in_every_order_the_newer_version_ends_in_service(stepping: Database) -> None:
    traces = set()

    def run(choices: Choices) -> None:
        race = Race(stepping, DEFAULT_MODEL_NAME)
        race.run(choices)
        assert (race.recorded(), race.aliases.held, race.told()) == ("2", "2", "2"), race.trace
        traces.add(tuple(race.trace))

    count = every_order(run)
    assert len(traces) == count
    # Each of them first, and the other one asks for the lock before, or after, each step.
    firsts = {trace[0] for trace in traces}
    assert firsts == {"1 lock", "2 lock"}
    alone = ("1 lock", "1 read", "1 record", "1 alias", "1 commit")
    assert {trace.index("2 lock") for trace in traces if trace[0] == "1 lock"} == {1, 2, 3, 4, 5}
    assert any(trace[:5] == alone for trace in traces)
    # A version that is older than what it finds is not recorded.
    assert all("1 record" not in trace for trace in traces if trace[0] == "2 lock")


def test_without_the_lock_some_orders_end_wrongly(
    stepping: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "lock_transaction", lambda *_: None)
    ends = set()

    def run(choices: Choices) -> None:
        race = Race(stepping, "other")  # its promotions touch no row that both write
        race.run(choices)
        ends.add((race.recorded(), race.aliases.held))

    assert every_order(run) > 10
    assert ("2", "2") in ends
    assert {end for end in ends if end != ("2", "2")}
