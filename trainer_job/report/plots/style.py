"""How the pictures look: colours that colour-blind people tell apart, sizes, titles."""

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
"""Okabe & Ito 2008, Color Universal Design, but for the yellow: too faint on white."""

MARKERS = "os^DvPX*"
"""A second sign beside the colour, and what tells the eighth mode from the first."""

GREY, PALE, INK = "#767676", "#D9D9D9", "#222222"
WHITE = [255, 255, 255]
"""The paper, which the reduction to a few colours would make a little darker."""
DIVERGING, GROWING = "RdBu_r", "Blues"
DPI = 110
TICKS = 4
"""Steps between the numbers beside one of several panels, at most."""
SHADES = 256
"""Colours of a file: pictures of few colours take a third of the space so."""


def colour(mode: int) -> str:
    """Return the colour of a mode."""
    return COLOURS[mode % len(COLOURS)]


def marker(mode: int) -> str:
    """Return the marker of a mode: its pair with the colour is unique up to 56 modes."""
    return MARKERS[(mode % len(COLOURS) + mode // len(COLOURS)) % len(MARKERS)]


def figure(width: float, height: float, title: str) -> Figure:
    """Return an empty figure, inches wide and high, that arranges its parts by itself."""
    made = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    made.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    return made


def panels(figure: Figure, rows: int, columns: int, left: float, gap: float, **shared: Any) -> Any:
    """Return panels at fixed places: with dozens of them, arranging by itself takes seconds.

    Parameters
    ----------
    left
        Inches for what stands left of the panels.
    gap
        Inches between two columns, for the numbers of the right one.
    """
    figure.set_layout_engine(None)
    width, height = figure.get_size_inches()
    panel = (width - left - gap * (columns - 1) - 0.1) / columns
    figure.subplots_adjust(
        left=left / width,
        right=1 - 0.1 / width,
        top=1 - 0.62 / height,
        bottom=0.55 / height,
        wspace=gap / panel,
        hspace=0.3,
    )
    made = figure.subplots(rows, columns, squeeze=False, **shared)
    for axes in made.flat:
        # More would not fit, and ticks are what takes longest to draw.
        axes.locator_params(nbins=TICKS)
    return made


def grid(count: int, columns: int) -> tuple[int, int]:
    """Return rows and columns of a grid for `count` panels."""
    columns = min(columns, count)
    return math.ceil(count / columns), columns


def tidy(axes: Axes, lines: str = "both") -> None:
    """Leave out what carries nothing; faint lines along one direction or both."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=8)
    if lines:
        axes.grid(visible=True, axis=lines, color=PALE, linewidth=0.6)  # type: ignore[arg-type]
        axes.set_axisbelow(True)


def cells(
    axes: Axes, rows: int, columns: int, text: Callable[[int, int], str], light: object
) -> None:
    """Write into each cell of a heat map.

    Parameters
    ----------
    text
        (row, column) → what stands there.
    light
        Table of the cells that are dark, where the text must be light.
    """
    for row in range(rows):
        for column in range(columns):
            axes.text(
                column,
                row,
                text(row, column),
                ha="center",
                va="center",
                fontsize=8,
                color="white" if light[row, column] else INK,  # type: ignore[index]
                in_layout=False,  # it lies inside the cell, and to measure hundreds takes long
            )


def png(figure: Figure) -> bytes:
    """Return the figure as a file's content."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    # The other methods and an optimal compression take ten times as long.
    few = image.quantize(SHADES, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette, paper = few.getpalette() or [], int(np.asarray(few)[0, 0])
    palette[3 * paper : 3 * paper + 3] = WHITE
    few.putpalette(palette)
    buffer = io.BytesIO()
    few.save(buffer, format="png")
    return buffer.getvalue()
