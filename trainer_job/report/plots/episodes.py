"""Pictures of the episodes: where they lie, and how well each fits its mode."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_samples

from trainer_job.report.data import ReportData
from trainer_job.report.names import plain
from trainer_job.report.plots import style

FAR = 10.0
"""Marks further from the median than this are put on the border; the unit is half of the distance
between the 10th and the 90th percentile."""

LISTED = 40
"""Modes up to which the legend has one line each."""

FEW = 10
"""Episodes below which a number would hide its mode."""


def projection(data: ReportData) -> Figure | None:
    """Draw the episodes in the first two principal components of the scaled features."""
    drawn = data.drawn
    places, shares = _components(data.scaled[drawn], data.seed)
    figure = style.figure(9, 5.6, _title("Failure episodes by mode", data))
    axes = figure.subplots()
    style.tidy(axes)
    inside, outside = _to_border(places)
    modes = data.modes[drawn]
    for mode, size in data.sizes.items():
        here = modes == mode
        name = plain(data.call(mode), 34)
        axes.scatter(
            inside[here, 0],
            inside[here, 1],
            s=26 if len(drawn) < 500 else 12,
            marker=style.marker(mode),
            color=style.colour(mode),
            alpha=0.75,
            linewidths=0.3,
            edgecolors="white",
            label=f"{name}  ({size}, {size / len(data.modes):.0%})",
        )
    for mode in data.shown:
        _write_number(axes, mode, inside[modes == mode])
    far = int(outside.sum())
    note = f"   (far outliers on the border: {far})" if far else ""
    axes.set_xlabel(f"component 1: {shares[0]:.0%} of the variance{note}")
    axes.set_ylabel(f"component 2: {shares[1]:.0%} of the variance")
    if len(data.sizes) <= LISTED:
        columns = 1 + len(data.sizes) // 21
        figure.legend(loc="outside right upper", frameon=False, fontsize=8, ncols=columns)
    return figure


def silhouettes(data: ReportData) -> Figure | None:
    """Draw each episode's silhouette, mode by mode (Rousseeuw 1987)."""
    modes = data.modes[data.drawn]
    if not 2 <= len(np.unique(modes)) < len(modes):
        return None
    values = silhouette_samples(data.scaled[data.drawn], modes)
    height = float(np.clip(1.6 + 0.5 * len(data.sizes), 4, 14))
    figure = style.figure(9, height, _title("Silhouette of each episode", data))
    axes = figure.subplots()
    style.tidy(axes, "x")
    gap = max(len(modes) // 60, 1)
    start = 0
    for mode in data.sizes:
        bars = np.sort(values[modes == mode])
        axes.fill_betweenx(
            np.arange(start, start + len(bars) + 1),
            0,
            np.append(bars, bars[-1]),
            step="post",
            color=style.colour(mode),
            linewidth=0,
        )
        text = f"{plain(data.call(mode), 30)}  ({data.sizes[mode]})"
        middle = (0, start + len(bars) / 2)
        axes.annotate(
            *(text, middle),
            xycoords=("axes fraction", "data"),
            xytext=(-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8,
        )
        start += len(bars) + gap
    _mark_means(axes, data, float(values.mean()))
    axes.set_yticks([])
    axes.set_ylim(start, -gap)
    axes.set_xlim(min(-0.05, float(values.min()) - 0.02), min(1.0, float(values.max()) + 0.2))
    axes.set_xlabel("silhouette (1 fits, 0 between two modes, below 0 nearer to another mode)")
    figure.legend(loc="outside lower right", frameon=False, fontsize=8, ncols=2)
    return figure


def _mark_means(axes: Axes, data: ReportData, mean: float) -> None:
    mean = mean if data.silhouette is None else data.silhouette
    axes.axvline(mean, color=style.INK, linewidth=1.4, label=f"mean {mean:.2f}")
    if data.null is not None:
        axes.axvline(
            data.null.p95,
            color=style.INK,
            linewidth=1.2,
            linestyle=":",
            label=f"95 % of data without structure stay below {data.null.p95:.2f}",
        )


def _components(
    scaled: npt.NDArray[np.float64], seed: int
) -> tuple[npt.NDArray[np.float64], list[float]]:
    """Return two coordinates an episode, and their shares of the variance."""
    count = min(2, *scaled.shape)
    places, shares = np.zeros((len(scaled), 2)), [0.0, 0.0]
    if np.ptp(scaled, axis=0).any():  # of equal episodes there is no direction to find
        model = PCA(count, random_state=seed)
        places[:, :count] = model.fit_transform(scaled)
        shares[:count] = model.explained_variance_ratio_.tolist()
    return places, shares


def _to_border(
    places: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Pull in what lies so far out that all others would shrink to a dot."""
    low, middle, high = np.percentile(places, [10, 50, 90], axis=0)
    reach = FAR * np.maximum(high - low, 1e-9) / 2
    inside = np.clip(places, middle - reach, middle + reach)
    return inside, (inside != places).any(axis=1)


def _write_number(axes: Axes, mode: int, places: npt.NDArray[np.float64]) -> None:
    x, y = np.median(places, axis=0).tolist()
    axes.annotate(
        str(mode),
        (x, y),
        xytext=(0, 9 if len(places) < FEW else 0),  # above, not to hide the marks that there are
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=12,
        fontweight="bold",
        color=style.INK,
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )


def _title(text: str, data: ReportData) -> str:
    if len(data.drawn) == len(data.modes):
        return f"{text}, {len(data.modes)} episodes"
    return f"{text}, {len(data.drawn):,} drawn of {len(data.modes):,} episodes"
