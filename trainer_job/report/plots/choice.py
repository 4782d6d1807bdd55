"""Pictures of choices: the number of modes, and the champion or its challenger."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trainer_job.clustering.selection import CurvePoint
from trainer_job.report.data import ReportData
from trainer_job.report.plots import style

Curve = Sequence[CurvePoint]
Pairs = Sequence[tuple[int, float | None]]

_MEASURES = {"F1": "macro F1", "Separation": "separation (silhouette in one space for both)"}


def curve(data: ReportData) -> Figure | None:
    """Draw what each number of modes achieved, where it was chosen from several."""
    if data.selection is None or not data.selection.curve:
        return None
    chosen = data.selection.chosen
    said = "none has structure" if chosen is None else f"{chosen} chosen"
    figure = style.figure(9, 5.4, f"Number of modes: {said}")
    upper, lower = figure.subplots(2, sharex=True, height_ratios=[3, 2])
    _draw_silhouettes(upper, data.selection.curve)
    _draw_stability(lower, data.selection.curve)
    for axes in (upper, lower):
        style.tidy(axes)
        _mark(axes, chosen, "-", "chosen")
        _mark(axes, data.selection.runner_up, ":", "runner-up")
    upper.set_ylabel("silhouette")
    lower.set_ylabel("stability\n(adjusted Rand index)")
    lower.set_xlabel("number of modes")
    numbers = [point.clusters for point in data.selection.curve]
    lower.set_xticks(numbers[:: 1 + len(numbers) // 25])
    handles = {label: one for one, label in zip(*upper.get_legend_handles_labels(), strict=True)}
    figure.legend(
        *(handles.values(), handles.keys()),
        loc="outside right upper",
        frameon=False,
        fontsize=8,
    )
    return figure


def comparison(data: ReportData) -> Figure | None:
    """Draw the interval of the difference to the champion."""
    found = data.comparison
    if found is None:
        return None
    champion = data.decision.champion
    against = "" if champion is None else f" {champion.version}"
    title = f"Against champion{against} on {found.episodes} held-out episodes"
    figure = style.figure(9, 2.4, title)
    axes = figure.subplots()
    style.tidy(axes, "x")
    ends = [found.low, found.high, found.difference, 0.0, -(data.margin or 0.0)]
    room = 0.15 * max(max(ends) - min(ends), 0.02)
    axes.set_xlim(min(ends) - room, max(ends) + room)
    axes.axvline(0, color=style.INK, linewidth=1, label="as good as the champion")
    if data.margin is not None:
        axes.axvspan(
            *(min(ends) - room, -data.margin),
            color=style.COLOURS[3],
            alpha=0.18,
            linewidth=0,
            label=f"worse by more than {data.margin:g}",
        )
    axes.hlines(0, found.low, found.high, color=style.COLOURS[0], linewidth=5, alpha=0.45)
    axes.plot(found.difference, 0, "o", color=style.COLOURS[0], markersize=9)
    axes.annotate(
        f"{found.difference:+.3f}  [{found.low:+.3f}, {found.high:+.3f}]",
        *((found.difference, 0), (0, 12)),
        textcoords="offset points",
        ha="center",
        fontsize=9,
    )
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    axes.set_xlabel(f"difference in {_MEASURES[found.measure]}, new model minus champion")
    figure.legend(loc="outside lower right", frameon=False, fontsize=8, ncols=2)
    return figure


def _draw_silhouettes(axes: Axes, curve: Curve) -> None:
    known = [(point, point.silhouette) for point in curve if point.silhouette is not None]
    axes.errorbar(
        [point.clusters for point, _ in known],
        [height for _, height in known],
        yerr=[point.silhouette_error or 0.0 for point, _ in known],
        color=style.COLOURS[0],
        capsize=3,
        linewidth=1.4,
        zorder=2,
    )
    for candidate, fill, label in (
        (True, style.COLOURS[0], "candidate"),
        (False, "white", "no candidate"),
    ):
        some = [(point.clusters, height) for point, height in known if point.candidate is candidate]
        if some:
            axes.plot(
                [clusters for clusters, _ in some],
                [height for _, height in some],
                "o",
                markerfacecolor=fill,
                color=style.COLOURS[0],
                label=label,
                zorder=3,
            )
    _draw_null(axes, [(point.clusters, point.null_p95) for point in curve])


def _draw_stability(axes: Axes, curve: Curve) -> None:
    numbers, heights = _known([(point.clusters, point.stability) for point in curve])
    axes.plot(numbers, heights, "s-", color=style.COLOURS[0], linewidth=1.4)
    _draw_null(axes, [(point.clusters, point.null_stability) for point in curve])
    axes.set_ylim(top=1.05)


def _draw_null(axes: Axes, pairs: Pairs) -> None:
    numbers, heights = _known(pairs)
    axes.plot(
        numbers,
        heights,
        "v--",
        color=style.GREY,
        linewidth=1,
        markersize=4,
        label="data without structure",
    )


def _known(pairs: Pairs) -> tuple[list[int], list[float]]:
    """Return the numbers of clusters with a value, and the values."""
    known = [(clusters, value) for clusters, value in pairs if value is not None]
    return [clusters for clusters, _ in known], [value for _, value in known]


def _mark(axes: Axes, clusters: int | None, line: str, label: str) -> None:
    if clusters is not None:
        axes.axvline(
            clusters,
            color=style.COLOURS[3],
            linestyle=line,
            linewidth=1.4,
            label=f"{label}: {clusters}",
            zorder=1,
        )
