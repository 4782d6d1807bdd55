"""Moments of episodes as they come from the database: blocks with the same sensors."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainer_job.episodes import Integers
from trainer_job.moments import LEVEL, LOG, ORDER, Moments

NAMES = {"level": LEVEL, "log": LOG, "order": ORDER}
"""Kind → names of its moments."""

FACTS = ("failure", "readings", "unusable", "duplicates", "latest", "digest")
"""Columns beside the moments; `latest` is in microseconds since 2000."""


@dataclass(frozen=True)
class Block:
    """Moments of one kind of some episodes that have the same sensors.

    Attributes
    ----------
    kind
        Key of :data:`trainer_job.database.statements.KINDS`.
    sensors
        Names in the order of the values.
    facts : name → shape (episodes,)
        :data:`FACTS`.
    values : shape (episodes, sensors, moments of the kind)
    """

    kind: str
    sensors: tuple[str, ...]
    facts: dict[str, npt.NDArray[np.int64]]
    values: npt.NDArray[np.float64]


def known(blocks: Sequence[Block], kind: str) -> Integers:
    """Return the episodes whose moments of a kind are there."""
    ids = [block.facts["failure"] for block in blocks if block.kind == kind]
    return np.concatenate(ids) if ids else np.array([], dtype=np.int64)


def only(block: Block, ids: Integers) -> Block:
    """Return the part of a block with these episodes."""
    rows = np.isin(block.facts["failure"], ids)
    if rows.all():
        return block
    facts = {name: column[rows] for name, column in block.facts.items()}
    return Block(block.kind, block.sensors, facts, block.values[rows])


def facts(blocks: Sequence[Block], ids: Integers) -> dict[str, Integers]:
    """Return the facts of those of these episodes that are there, ordered by id."""
    levels = [only(block, ids) for block in blocks if block.kind == "level"]
    found = {
        name: np.concatenate([np.array([], np.int64), *(block.facts[name] for block in levels)])
        for name in FACTS
    }
    order = np.argsort(found["failure"])
    return {name: column[order] for name, column in found.items()}


def assemble(blocks: Sequence[Block], ids: Integers, names: Sequence[str]) -> Moments:
    """Return the moments of episodes, of all sensors that any of them has a usable value of."""
    blocks = [part for block in blocks if len((part := only(block, ids)).values)]
    present = {
        block.sensors[place]
        for block in blocks
        if block.kind == "level"
        for place in np.flatnonzero((block.values[:, :, 0] > 0).any(axis=0))
    }
    sensors = tuple(sorted(present, key=natural))
    index = pd.Index(ids)
    tables = {name: np.full((len(ids), len(sensors)), np.nan) for name in names}
    tables["n"][:] = 0
    readings = np.zeros(len(ids), dtype=np.int64)
    for block in blocks:
        rows = index.get_indexer(pd.Index(block.facts["failure"]))
        readings[rows] = block.facts["readings"]
        columns = [place for place, sensor in enumerate(block.sensors) if sensor in present]
        target = np.array([sensors.index(block.sensors[place]) for place in columns], dtype=int)
        values = block.values if len(columns) == len(block.sensors) else block.values[:, columns]
        # Whole rows where they can be: an index a value takes ten times as long.
        whole = np.array_equal(target, np.arange(len(sensors)))
        where = rows if whole else (rows[:, None], target)
        for number, name in enumerate(NAMES[block.kind]):
            tables[name][where] = values[:, :, number]
    return Moments(ids, sensors, readings, tables)


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return the key that puts Sensor 2 before Sensor 10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(p), p) if p[0] in "0123456789" else (1, 0, p) for p in parts]
