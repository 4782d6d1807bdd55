"""Pictures of the modes: their profiles, and what sets each apart."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trainer_job.report.data import ReportData
from trainer_job.report.names import plain
from trainer_job.report.plots import style

SENSORS_SHOWN = 40
"""Sensors of a heat map: more rows than this cannot be read."""

STRONG = 3.0
"""Standard deviations at which the heat map's colours end."""

FEATURES_A_MODE = 5


def heat_map(data: ReportData) -> Figure | None:
    """Draw the mean of each mode, sensor by sensor; a single mode is like all."""
    if len(data.sizes) < 2:
        return None
    best = data.strongest
    rows = best[:SENSORS_SHOWN]
    values = data.effects.level.loc[[feature for _, feature in rows], list(data.shown)].to_numpy()
    wide, high = 4.6 + 0.62 * len(data.shown), 1.9 + 0.24 * len(rows)
    of = f"{len(rows)} of {len(best)} sensors" if len(rows) < len(best) else "all sensors"
    figure = style.figure(max(wide, 6.5), high, f"Profiles of the modes, {of}{_of_modes(data)}")
    axes = figure.subplots()
    image = axes.imshow(
        values, cmap=style.DIVERGING, vmin=-STRONG, vmax=STRONG, aspect="auto", origin="upper"
    )
    dark = np.abs(values) > 0.75 * STRONG
    style.cells(axes, *values.shape, lambda row, column: f"{values[row, column]:+z.1f}", dark)
    axes.set_yticks(range(len(rows)), [data.shorten(feature) for _, feature in rows])
    axes.set_xticks(range(len(data.shown)), [_column(data, mode) for mode in data.shown])
    axes.tick_params(
        labelsize=8, length=0, top=True, labeltop=True, bottom=False, labelbottom=False
    )
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, extend="both", fraction=0.04)
    bar.set_label("standard deviations from the mean of all", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return figure


def distinctive(data: ReportData) -> Figure | None:
    """Draw the largest effects of each mode."""
    if len(data.sizes) < 2:
        return None
    names = [data.shorten(name) for mode in data.shown for name in _largest(data, mode).index]
    left = 0.25 + 0.068 * max(map(len, names))
    rows, columns = style.grid(len(data.shown), 3 if left < 2 else 2)
    figure = style.figure(
        *((left + 2.5) * columns, 1.2 + 1.4 * rows),
        f"Most distinctive features of each mode{_of_modes(data)}",
    )
    panels = style.panels(figure, rows, columns, left, left, sharex=True).ravel()
    for axes, mode in zip(panels, data.shown, strict=False):
        _draw_bars(axes, data, mode)
    for place, axes in enumerate(panels):
        axes.set_visible(place < len(data.shown))
        axes.tick_params(labelbottom=place + columns >= len(data.shown))
    figure.supxlabel("Cohen's d against all other episodes (0.8: large)", fontsize=9)
    return figure


def _draw_bars(axes: Axes, data: ReportData, mode: int) -> None:
    effects = _largest(data, mode)
    places = range(len(effects))
    axes.barh(places, effects, color=style.colour(mode), height=0.7)
    axes.axvline(0, color=style.INK, linewidth=0.8)
    axes.set_yticks(places, [data.shorten(name) for name in effects.index])
    axes.set_ylim(FEATURES_A_MODE - 0.5, -0.5)
    for place, value in zip(places, effects, strict=True):
        axes.annotate(
            f"{value:+z.1f}",
            *((value, place), (3 if value >= 0 else -3, 0)),
            textcoords="offset points",
            ha="left" if value >= 0 else "right",
            va="center",
            fontsize=7,
        )
    axes.margins(x=0.22)
    axes.set_title(
        f"{plain(data.call(mode), 22)}  ({data.sizes[mode]} episodes)", fontsize=9, loc="left"
    )
    style.tidy(axes, "x")


def _largest(data: ReportData, mode: int) -> pd.Series:
    return data.effects.distinctive(mode, FEATURES_A_MODE)


def _column(data: ReportData, mode: int) -> str:
    name = data.names.get(mode)
    return f"{mode}" if name is None else f"{mode}\n{plain(name, 10)}"


def _of_modes(data: ReportData) -> str:
    if len(data.shown) == len(data.sizes):
        return ""
    return f", the {len(data.shown)} largest of {len(data.sizes)} modes"
