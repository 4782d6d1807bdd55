"""Which sensors and episodes form a table without gaps."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer_job import reasons
from trainer_job.errors import UnusableData
from trainer_job.moments import Moments


@dataclass(frozen=True)
class Coverage:
    """A table without gaps.

    Attributes
    ----------
    sensors
        Those with usable readings in more than half of the episodes, in their given order.
    complete : shape (episodes,)
        Whether an episode has usable readings of all these sensors.
    lacking
        Number of episodes left out, by the sensor that they lack.
    rare
        Number of episodes that have them, by the sensor that is not used.
    """

    sensors: tuple[str, ...]
    complete: npt.NDArray[np.bool_]
    lacking: dict[str, int]
    rare: dict[str, int]


def cover(moments: Moments) -> Coverage:
    """Choose the sensors that most episodes have, and the episodes that have them all.

    A sensor that one episode lacks would otherwise cost the model this sensor, or one broken
    episode the whole run.

    Raises
    ------
    UnusableData
        If no sensor has usable readings in more than half of the episodes.
    """
    present = moments["n"] > 0
    counts = present.sum(axis=0)
    common = counts * 2 > len(present)
    if not common.any():
        raise UnusableData(
            reasons.NO_COMMON_SENSOR,
            f"No sensor has usable readings in most of the {len(present)} episodes. A reading's "
            'values must be a JSON object of numbers, {"Sensor 0": 1.5}; limit '
            "spec.source.data.machines to machines with the same sensors.",
        )
    numbered = list(zip(moments.sensors, counts.tolist(), common.tolist(), strict=True))
    return Coverage(
        sensors=tuple(sensor for sensor, _, used in numbered if used),
        complete=np.asarray(present[:, common].all(axis=1)),
        lacking={s: len(present) - n for s, n, used in numbered if used and n < len(present)},
        rare={sensor: number for sensor, number, used in numbered if not used},
    )
