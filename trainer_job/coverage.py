"""Which sensors and episodes form a table without gaps."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from trainer_job import reasons
from trainer_job.errors import UnusableData


@dataclass(frozen=True)
class Coverage:
    """A table without gaps.

    Attributes
    ----------
    sensors
        Those with usable readings in more than half of the episodes, in natural order.
    episodes
        Those with usable readings of all these sensors, in their given order.
    lacking
        Number of episodes left out, by the sensor that they lack.
    """

    sensors: tuple[str, ...]
    episodes: tuple[int, ...]
    lacking: dict[str, int]


def cover(moments: pd.DataFrame, episodes: Sequence[int]) -> Coverage:
    """Choose the sensors that most episodes have, and the episodes that have them all.

    A sensor that one episode lacks would otherwise cost the model this sensor, or one broken
    episode the whole run.

    Parameters
    ----------
    moments
        One row an episode and sensor with usable readings.
    episodes
        All episodes, also those without a row.

    Raises
    ------
    UnusableData
        If no sensor has usable readings in more than half of the episodes.
    """
    counts = moments["sensor"].value_counts()
    common = counts[counts * 2 > len(episodes)]
    sensors = tuple(sorted((str(sensor) for sensor in common.index), key=_natural))
    if not sensors:
        raise UnusableData(
            reasons.NO_COMMON_SENSOR,
            f"No sensor has usable readings in most of the {len(episodes)} episodes. A reading's "
            'values must be a JSON object of numbers, {"Sensor 0": 1.5}; limit '
            "spec.source.data.machines to machines with the same sensors.",
        )
    has = {sensor: set(rows) for sensor, rows in moments.groupby("sensor")["episode"]}
    lacking = {sensor: len(episodes) - len(has[sensor]) for sensor in sensors}
    return Coverage(
        sensors=sensors,
        episodes=tuple(e for e in episodes if all(e in has[sensor] for sensor in sensors)),
        lacking={sensor: count for sensor, count in lacking.items() if count},
    )


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return the key that puts Sensor 2 before Sensor 10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(p), p) if p[0] in "0123456789" else (1, 0, p) for p in parts]
