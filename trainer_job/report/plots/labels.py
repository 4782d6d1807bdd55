"""A picture of how modes and labels agree."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from trainer_job.report.data import ReportData
from trainer_job.report.names import plain
from trainer_job.report.plots import style

LABELS_SHOWN = 20


def agreement(data: ReportData) -> Figure | None:
    """Draw the number of labelled episodes by label and mode, where there are any."""
    counts = table(data)
    if counts is None:
        return None
    shown = counts.loc[counts.sum(axis=1).sort_values(ascending=False).index[:LABELS_SHOWN]]
    shown = shown.sort_index()
    values = shown.to_numpy()
    total = sum(label is not None for label in data.labels)
    some = "" if len(shown) == len(counts) else f", the {len(shown)} most frequent labels"
    figure = style.figure(
        *(max(3.6 + 0.75 * values.shape[1], 6), 1.5 + 0.36 * len(shown)),
        f"Labels and modes, {total} labelled episodes{some}",
    )
    axes = figure.subplots()
    parts = values / np.maximum(values.sum(axis=1, keepdims=True), 1)
    axes.imshow(parts, cmap=style.GROWING, vmin=0, vmax=1, aspect="auto")
    style.cells(axes, *values.shape, lambda row, column: f"{values[row, column]}", parts > 0.55)
    axes.set_yticks(range(len(shown)), [plain(str(label)) for label in shown.index])
    axes.set_xticks(range(len(data.shown)), [_column(data, mode) for mode in data.shown])
    axes.set_ylabel("label")
    axes.tick_params(labelsize=8, length=0)
    axes.spines[:].set_visible(False)
    return figure


def table(data: ReportData) -> pd.DataFrame | None:
    """Return numbers of episodes by label and mode; None where no episode has a label."""
    if not any(label is not None for label in data.labels):
        return None
    counts = pd.crosstab(pd.Series(list(data.labels), name="label"), pd.Series(data.modes))
    return counts.reindex(columns=list(data.shown), fill_value=0)


def _column(data: ReportData, mode: int) -> str:
    name = data.names.get(mode)
    return f"mode {mode}" if name is None else f"mode {mode}\n{plain(name, 12)}"
