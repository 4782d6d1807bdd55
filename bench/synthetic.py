"""Invented episodes: plants whose failure modes are known, and noise that has none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recording:
    """Episodes of one plant.

    Attributes
    ----------
    readings
        Columns ``episode`` and one a sensor, in order of time.
    sensors
        Their names.
    modes : shape (episodes,)
        The failure mode of each episode, by its number: what a model should find.
    """

    readings: pd.DataFrame
    sensors: tuple[str, ...]
    modes: npt.NDArray[np.int64]


def plant(seed: int) -> Recording:
    """Invent a plant: 40 to 200 episodes of 15 to 50 readings of 6 to 20 sensors, 2 to 6 modes.

    Each mode moves the level, the spread or the course of about a third of the sensors. Units
    differ by up to six orders of magnitude, modes by up to seven times in size. An episode has an
    amplitude of its own that multiplies its mode's effect, and in the tenth part of the series
    a few readings are spikes.
    """
    rng = np.random.default_rng(seed)
    modes = _sizes(rng, int(rng.integers(40, 201)), int(rng.integers(2, 7)))
    shape = (len(modes), int(rng.integers(15, 51)), int(rng.integers(6, 21)))
    values = _autoregressive(rng, shape, rng.uniform(0, 0.8))
    amplitudes = rng.lognormal(0, 0.5, size=len(modes))
    for mode in range(modes.max() + 1):
        members = np.flatnonzero(modes == mode)
        for sensor in np.flatnonzero(rng.random(shape[2]) < 1 / 3):
            effect = _EFFECTS[rng.integers(len(_EFFECTS))]
            strength = rng.choice([-1, 1]) * rng.uniform(1, 4)
            series = values[members, :, sensor]
            values[members, :, sensor] = effect(series, strength * amplitudes[members, None])
    _spike(rng, values)
    units = 10 ** rng.uniform(-2, 4, size=shape[2])
    offsets = rng.normal(scale=2, size=shape[2])
    return _recording((values + offsets) * units, modes)


def noise(kind: str, episodes: int, seed: int, sensors: int = 6, readings: int = 15) -> Recording:
    """Invent episodes without any failure mode: all are drawn from one distribution.

    Parameters
    ----------
    kind
        A name of `NOISE`.
    episodes, seed, sensors, readings
        Numbers of each, readings an episode.
    """
    values = NOISE[kind](np.random.default_rng(seed), (episodes, readings, sensors))
    return _recording(values, np.zeros(episodes, dtype=np.int64))


def _sizes(rng: np.random.Generator, episodes: int, modes: int) -> npt.NDArray[np.int64]:
    """Return the mode of each episode; the largest is up to seven times the smallest."""
    weights = rng.uniform(1, 7, size=modes)
    return np.sort(
        np.r_[
            np.arange(modes),
            np.arange(modes),
            np.arange(modes),
            np.arange(modes),
            rng.choice(modes, episodes - 4 * modes, p=weights / weights.sum()),
        ]
    ).astype(np.int64)


def _autoregressive(rng: np.random.Generator, shape: tuple[int, int, int], memory: float) -> Floats:
    """Return stationary series of unit variance that remember `memory` of the last value."""
    values = rng.normal(size=shape)
    for place in range(1, shape[1]):
        fresh = np.sqrt(1 - memory**2) * values[:, place]
        values[:, place] = memory * values[:, place - 1] + fresh
    return np.asarray(values)


def _spike(rng: np.random.Generator, values: Floats) -> None:
    """Put heavy-tailed spikes (Student's t, 1.5 degrees of freedom) into some of the series."""
    hit = rng.random((len(values), 1, values.shape[2])) < 0.1
    here = hit & (rng.random(values.shape) < 0.1)
    values[here] += 5 * rng.standard_t(1.5, size=int(here.sum()))


def _shift(series: Floats, strength: Floats) -> Floats:
    return series + strength


def _spread(series: Floats, strength: Floats) -> Floats:
    return np.asarray(series * (1 + np.abs(strength)))


def _drift(series: Floats, strength: Floats) -> Floats:
    return series + strength * np.linspace(-1.5, 1.5, series.shape[1])


def _swing(series: Floats, strength: Floats) -> Floats:
    return series + strength * np.sin(np.linspace(0, 6 * np.pi, series.shape[1]))


def _collide(series: Floats, strength: Floats) -> Floats:
    """Add a blow that fades, as of a part that hits something."""
    return series + 3 * strength * np.exp(-np.arange(series.shape[1]) / 3)


_EFFECTS: tuple[Callable[[Floats, Floats], Floats], ...] = (
    *(_shift, _shift, _spread, _drift, _swing, _collide),
)


def _normal(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    return np.asarray(rng.normal(size=shape))


def _remembering(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    return _autoregressive(rng, shape, 0.8)


def _heavy(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    return np.asarray(rng.standard_t(2, size=shape))


def _loaded(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Sensors that all follow the machine's load, which differs from episode to episode."""
    load = rng.normal(size=(shape[0], 1, 1))
    own = rng.normal(size=(shape[0], 1, shape[2]))
    return np.asarray(load + 0.7 * own + 0.5 * rng.normal(size=shape))


def _scaled(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Every episode has an amplitude of its own, and few have a very large one."""
    return np.asarray(rng.normal(size=shape) * rng.lognormal(0, 1, size=(shape[0], 1, 1)))


def _curved(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Sensors that follow one load along a curve each, as a temperature that rises and falls."""
    load = rng.uniform(0, 1.5 * np.pi, size=(shape[0], 1, 1))
    phase = rng.uniform(0, 2 * np.pi, size=shape[2])
    return np.asarray(2 * np.sin(load + phase) + 0.5 * rng.normal(size=shape))


NOISE: Mapping[str, Callable[[np.random.Generator, tuple[int, int, int]], Floats]] = {
    "normal": _normal,
    "autoregressive": _remembering,
    "heavy-tailed": _heavy,
    "loaded": _loaded,
    "scaled": _scaled,
    "curved": _curved,
}
"""Noise by name: independent readings, series with memory, Student's t with two degrees of
freedom, sensors with a common load, episodes with an amplitude each, and a load along a curve."""


def _recording(values: Floats, modes: npt.NDArray[np.int64]) -> Recording:
    episodes, readings, number = values.shape
    sensors = tuple(f"Sensor {place}" for place in range(number))
    table = pd.DataFrame(values.reshape(-1, number), columns=list(sensors))
    table.insert(0, "episode", np.repeat(np.arange(episodes), readings))
    return Recording(table, sensors, modes)
