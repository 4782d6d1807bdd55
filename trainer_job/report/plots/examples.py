"""Small multiples: how the readings of each mode's episodes run."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from trainer_job.report.data import ReportData
from trainer_job.report.names import plain
from trainer_job.report.plots import style

SENSORS_SHOWN = 4
MODES_SHOWN = 8
EPISODES_A_MODE = 4
LONGEST = 2_000
"""Readings of an episode that are drawn; of a longer one, evenly spaced ones."""


@dataclass(frozen=True)
class _Episode:
    mode: int
    time: npt.NDArray[np.float64]
    values: dict[str, npt.NDArray[np.float64]]


def examples(data: ReportData) -> Figure | None:
    """Draw readings against time: a row a mode, a column a sensor."""
    sensors = _sensors(data)
    timed = _timed(data.readings)
    episodes = _episodes(data, sensors, timed)
    modes = sorted({episode.mode for episode in episodes}, key=lambda mode: -data.sizes[mode])
    modes = sorted(modes[:MODES_SHOWN])
    if not modes or not sensors:
        return None
    some = "" if len(modes) == len(data.sizes) else f", {len(modes)} of {len(data.sizes)} modes"
    figure = style.figure(
        *(1.4 + 2.5 * len(sensors), 1.2 + 1.15 * len(modes)), f"Episodes of each mode{some}"
    )
    panels = style.panels(*(figure, len(modes), len(sensors), 1.1, 0.6), sharex=True, sharey="col")
    for row, mode in zip(panels, modes, strict=True):
        for axes, sensor in zip(row, sensors, strict=True):
            _draw(axes, sensor, mode, episodes)
        row[0].set_ylabel(
            plain(data.call(mode), 22).replace(": ", ":\n"),
            fontsize=9,
            color=style.INK,
        )
    for axes, sensor in zip(panels[0], sensors, strict=True):
        unit = data.units.get(sensor)
        name = data.shorthand[sensor] + ("" if unit is None else f" [{plain(unit)}]")
        axes.set_title(name, fontsize=9)
    if not timed:
        panels[0][0].xaxis.set_major_locator(MaxNLocator(style.TICKS, integer=True))
    figure.supxlabel("time since the first reading [s]" if timed else "reading", fontsize=9)
    return figure


def _draw(axes: Axes, sensor: str, mode: int, episodes: list[_Episode]) -> None:
    others = [episode for episode in episodes if episode.mode != mode]
    if others:
        # One line with gaps is drawn faster than many.
        time = np.concatenate([np.append(other.time, np.nan) for other in others])
        values = np.concatenate([np.append(other.values[sensor], np.nan) for other in others])
        axes.plot(time, values, color=style.PALE, linewidth=0.8)
    for episode in episodes:
        if episode.mode == mode:
            axes.plot(
                *(episode.time, episode.values[sensor]),
                color=style.colour(mode),
                linewidth=1.5,
                marker="." if len(episode.time) < 40 else None,
                markersize=4,
                zorder=3,
            )
    style.tidy(axes)


def _sensors(data: ReportData) -> list[str]:
    """Return the sensors that tell the modes apart best, of those with readings."""
    best = [sensor for sensor, _ in data.strongest]
    return [sensor for sensor in best if sensor in data.readings.columns][:SENSORS_SHOWN]


def _timed(readings: pd.DataFrame) -> bool:
    return "timestamp" in readings and bool(readings["timestamp"].notna().all())


def _episodes(data: ReportData, sensors: list[str], timed: bool) -> list[_Episode]:
    """Return a few episodes of the modes that are shown."""
    modes = dict(zip(data.features.index.astype(str), data.modes.tolist(), strict=True))
    counts: dict[int, int] = {}
    found = []
    for name, rows in data.readings.groupby("episode", sort=False):
        mode = modes.get(str(name))
        if mode not in data.shown or counts.get(mode, 0) >= EPISODES_A_MODE:
            continue
        counts[mode] = counts.get(mode, 0) + 1
        found.append(_episode(mode, rows, sensors, timed))
    return found


def _episode(mode: int, rows: pd.DataFrame, sensors: list[str], timed: bool) -> _Episode:
    if timed:
        moments = pd.to_datetime(rows["timestamp"], utc=True, format="ISO8601")
        seconds = (moments - moments.min()).dt.total_seconds()
        rows = rows.iloc[np.argsort(seconds.to_numpy(), kind="stable")]
        time = np.sort(seconds.to_numpy("float64"))
    else:
        time = np.arange(1, len(rows) + 1, dtype=np.float64)
    kept = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), LONGEST)).astype(int))
    values = {
        sensor: pd.to_numeric(rows[sensor], errors="coerce").to_numpy("float64")[kept]
        for sensor in sensors
    }
    return _Episode(mode, time[kept], values)
