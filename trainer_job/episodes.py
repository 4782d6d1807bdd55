"""Episodes, and the seam to the store that they come from."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainer_job.moments import Moments

Integers = npt.NDArray[np.int64]
Times = npt.NDArray[np.datetime64]
Objects = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Manifest:
    """The episodes of a run, ordered by id: closed failures with readings.

    Columns and not objects, because there may be many. All have shape (episodes,).

    Attributes
    ----------
    ids
        Ids of the failures.
    machines
        Names, as the database has them.
    started, closed
        UTC; the last reading's time where the end is missing.
    labels
        What people call the failure mode, None where nobody said.
    readings
        Number of readings.
    unusable, duplicates
        How many values of them are no numbers that can be measured, and how many readings have
        the time of another one.
    digests
        Change with the values and times of the readings, whatever their order.
    """

    ids: Integers
    machines: Objects
    started: Times
    closed: Times
    labels: Objects
    readings: Integers
    unusable: Integers
    duplicates: Integers
    digests: Integers

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: npt.NDArray[Any]) -> "Manifest":
        """Return the part at these places, or where this mask is true."""
        return Manifest(*(getattr(self, field.name)[rows] for field in fields(self)))

    def only(self, ids: Sequence[int] | Integers) -> "Manifest":
        """Return the part with these ids."""
        return self.take(np.isin(self.ids, np.asarray(ids, dtype=np.int64)))

    def hash(self) -> str:
        """Return what identifies the episodes and all values of their readings.

        Made of integers and not of the features: sums of doubles differ in their last bits
        with the order in which the server adds them.
        """
        rows = np.stack([self.ids, self.readings, self.digests], axis=1)
        return hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes()).hexdigest()


Which = Callable[[Objects, Times], npt.NDArray[np.bool_]]
"""Chooses episodes by their machines and starts, before anything is read of them."""


class EpisodeSource(Protocol):
    """What the pipeline needs of a store of episodes."""

    def manifest(
        self,
        since: datetime,
        until: datetime,
        machines: Sequence[str],
        which: Which | None = None,
    ) -> Manifest:
        """Return the closed episodes with readings whose start lies in [since, until).

        Of those, where it is given, the ones that `which` chooses by their machines and starts.
        """

    def recorded(self, ids: Sequence[int]) -> Manifest:
        """Return those of the given episodes that are still there."""

    def moments(self, ids: Sequence[int] | Integers) -> Moments:
        """Return the moments of episodes of a manifest, in the given order.

        The sensors are all that any of the episodes has, in natural order.
        """

    def readings(self, ids: Sequence[int] | Integers) -> pd.DataFrame:
        """Return the readings of a few episodes in order of episode and time.

        Columns ``episode`` (string), ``timestamp`` (ISO 8601) and one a sensor, as the store has
        the values: :func:`trainer_job.moments.usable` says which are numbers.
        """

    def changed(self, ids: Sequence[int]) -> list[int]:
        """Return the episodes whose readings are not those that their moments were made of."""

    def open_episodes(self, since: datetime, until: datetime, machines: Sequence[str]) -> int:
        """Return how many failures that started in the window are not over yet."""

    def earlier(
        self, since: datetime, bound: datetime, machines: Sequence[str], number: int
    ) -> datetime:
        """Return the start, `bound` or later, of the window with this many more episodes."""
