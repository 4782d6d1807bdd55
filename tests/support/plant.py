"""Episodes in a database, as machines would have left them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects import postgresql

from trainer_job.database.connection import Database
from trainer_job.database.tables import (
    clusters,
    episode_labels,
    failures,
    machines,
    promotions,
    readings,
    training_runs,
    versions,
)

ROBOT_FAILURES = Path(__file__).parents[2] / "examples/data/robot-failures"
START = datetime(2026, 3, 1, 11, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Plant:
    """Writes into the tables of an installation."""

    database: Database

    def episode(
        self,
        values: Sequence[object],
        start: datetime = START,
        machine: str = "m1",
        label: str | None = None,
        closed: bool = True,
    ) -> int:
        """Insert an episode with one reading a value, a second apart; return its id."""
        with self.database.engine.begin() as connection:
            connection.execute(
                postgresql.insert(machines).values(machine_id=machine).on_conflict_do_nothing()
            )
            end = start + timedelta(seconds=len(values)) if closed else None
            row = {"machine": machine, "start_time": start, "end_time": end}
            statement = insert(failures).values(**row, is_active=not closed)
            number = int(connection.execute(statement.returning(failures.c.id)).scalar_one())
            rows = [
                {
                    "timestamp": start + timedelta(seconds=second),
                    "values": value,
                    "machine": machine,
                    "failure": number,
                }
                for second, value in enumerate(values)
            ]
            if rows:
                connection.execute(insert(readings), rows)
            if label is not None:
                known = {"failure": number, "source": "human", "label": label}
                connection.execute(insert(episode_labels).values(known))
        return number

    def modes(
        self, count: int, labels: Sequence[str | None] = ("worn", "loose", "jammed")
    ) -> list[int]:
        """Insert episodes of as many modes as labels by turns, well apart."""
        ids = []
        for number in range(count):
            mode = number % len(labels)
            values = [
                {"Fx": 20.0 * mode + 0.1 * number, "Fy": 9.0 * mode + second} for second in (0, 1)
            ]
            start = START + timedelta(seconds=10 * number)
            ids.append(self.episode(values, start=start, label=labels[mode]))
        return ids

    def change(self, statement: str, **values: object) -> None:
        """Run a statement and commit."""
        with self.database.engine.begin() as connection:
            connection.execute(text(statement), values)

    def counts(self) -> Mapping[str, int]:
        """Return how many rows tell of decisions."""
        tables = (training_runs, promotions, clusters, versions)
        with self.database.engine.connect() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in tables
            }
