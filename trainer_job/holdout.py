"""Which episodes no version is ever fitted on, so that any two versions can be compared on them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

import numpy as np
import numpy.typing as npt

Block = tuple[str, date]
"""A machine and a day in UTC: its episodes resemble each other and stay together."""


@dataclass(frozen=True)
class Rule:
    """What is held out of a training, as the tag of a version says it: ``0.2 of salt``."""

    salt: str
    fraction: float

    def __str__(self) -> str:
        return f"{self.fraction!r} of {self.salt}"

    @classmethod
    def read(cls, text: str) -> "Rule | None":
        """Return the rule in a tag, None where there is none."""
        fraction, of, salt = text.partition(" of ")
        try:
            return cls(salt, float(fraction)) if of else None
        except ValueError:
            return None

    def shared(self, other: "Rule | None") -> "Rule | None":
        """Return what both rules hold out, None where the salts differ."""
        if other is None or other.salt != self.salt:
            return None
        return Rule(self.salt, min(self.fraction, other.fraction))


def block(machine: str, started: datetime) -> Block:
    """Return the block of an episode.

    Raises
    ------
    ValueError
        If `started` has no time zone: its day would depend on where this runs.
    """
    if started.tzinfo is None:
        msg = f"{started} has no time zone"
        raise ValueError(msg)
    return machine, started.astimezone(UTC).date()


def blocks(machines: Iterable[str], started: npt.NDArray[np.datetime64]) -> list[Block]:
    """Return the blocks of many episodes.

    Parameters
    ----------
    machines : length (episodes)
        Names, as the database has them.
    started : shape (episodes,)
        In UTC.
    """
    days = started.astype("datetime64[D]").astype(object)
    return [(str(machine), day) for machine, day in zip(machines, days, strict=True)]


def held_out(salt: str, machine: str, started: datetime, fraction: float) -> bool:
    """Say whether an episode is held out of every training.

    Parameters
    ----------
    salt
        The same for all versions of a registered name.
    machine, started
        Of the episode; its day in UTC counts.
    fraction
        Part of the machine-days that is held out. What a smaller one holds out, a larger one
        does, too.
    """
    return _place(salt, block(machine, started)) < fraction


def held_out_blocks(salt: str, which: Sequence[Block], fraction: float) -> npt.NDArray[np.bool_]:
    """Return :func:`held_out` of many episodes by their blocks, shape (episodes,)."""
    place = cache(lambda each: _place(salt, each))
    return np.array([place(each) < fraction for each in which], dtype=bool)


def _place(salt: str, which: Block) -> float:
    """Return the place of a block in [0, 1): even over blocks, and the same for ever."""
    machine, day = which
    # No text of PostgreSQL holds a NUL, so that different blocks are different texts.
    found = hashlib.sha256(f"{salt}\0{machine}\0{day.isoformat()}".encode()).digest()
    # 53 bits fit a double exactly; 64 could round up to 1.
    return (int.from_bytes(found[:8], "big") >> 11) / 2**53
