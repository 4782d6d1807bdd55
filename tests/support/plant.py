"""Episodes in a database, as machines would have left them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
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
CENTRES = ((0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 1))
"""Levels of three sensors in each of four modes: no sensor alone tells all of them apart."""
KINDS = ("worn", "loose", "jammed", "bent")


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

    def days(
        self,
        count: int,
        each: int = 8,
        *,
        names: Sequence[str] = ("m1", "m2"),
        sensors: Sequence[str] = ("Fx", "Fy", "Tz"),
        modes: Sequence[int] = (0, 1, 2, 3),
        labelled: bool = True,
        last: datetime = START,
        apart: float = 8.0,
        seed: int = 0,
    ) -> list[int]:
        """Insert episodes of some modes by turns, on each of many days of several machines.

        Parameters
        ----------
        count, each
            Days, the last of which ends with `last`, and episodes a day and machine.
        names
            The machines.
        modes
            Places in `CENTRES`.
        labelled
            Whether people have said which of `KINDS` each is.
        apart
            Distance of the levels, in standard deviations of a reading.
        seed
            Of the noise.
        """
        episodes: list[dict[str, Any]] = [
            {"machine": name, "start_time": last - timedelta(days=day, minutes=10 * number)}
            for day in reversed(range(count))
            for name in names
            for number in reversed(range(each))
        ]
        which = [modes[place % len(modes)] for place in range(len(episodes))]
        return self._insert(
            [{**row, "end_time": row["start_time"] + timedelta(minutes=1)} for row in episodes],
            _around(which, sensors, apart, seed),
            [KINDS[mode] for mode in which] if labelled else [],
        )

    def _insert(
        self,
        episodes: Sequence[Mapping[str, Any]],
        values: Sequence[Sequence[object]],
        labels: Sequence[str],
    ) -> list[int]:
        """Insert many episodes at once; return their ids."""
        with self.database.engine.begin() as connection:
            connection.execute(
                postgresql.insert(machines).on_conflict_do_nothing(),
                [{"machine_id": name} for name in {row["machine"] for row in episodes}],
            )
            statement = insert(failures).values(is_active=False)
            returning = statement.returning(failures.c.id, sort_by_parameter_order=True)
            ids = [int(number) for number in connection.execute(returning, episodes).scalars()]
            rows = [
                {
                    "timestamp": row["start_time"] + timedelta(seconds=second),
                    "values": value,
                    "machine": row["machine"],
                    "failure": number,
                }
                for number, row, own in zip(ids, episodes, values, strict=True)
                for second, value in enumerate(own)
            ]
            connection.execute(insert(readings), rows)
            if labels:
                known = [
                    {"failure": number, "source": "human", "label": label}
                    for number, label in zip(ids, labels, strict=True)
                ]
                connection.execute(insert(episode_labels), known)
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


def _around(
    which: Sequence[int], sensors: Sequence[str], apart: float, seed: int
) -> list[list[dict[str, float]]]:
    """Return five readings of each episode, with noise around the levels of its mode."""
    rng = np.random.default_rng(seed)
    levels = apart * np.array(CENTRES, dtype="float64")[list(which)][:, None]
    noisy = levels + rng.normal(size=(len(which), 5, len(CENTRES[0])))
    return [[dict(zip(sensors, reading, strict=True)) for reading in own] for own in noisy.tolist()]
