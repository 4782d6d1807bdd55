"""The report as one HTML file: no network, no script."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined

from trainer_job.evaluation.verdict import Answer
from trainer_job.report.data import ReportData
from trainer_job.report.plots import Picture
from trainer_job.report.plots.style import colour

TEMPLATE = "templates/report.html.j2"
FEATURES_A_MODE = 5

_ANSWERS = {
    Answer.PASSED: "✓ passed",
    Answer.MANUAL: "? asks for a decision",
    Answer.FAILED: "✗ failed",
}


@dataclass(frozen=True)
class _Mode:
    """A line of the table of modes."""

    number: int
    name: str | None
    colour: str
    size: int
    share: float
    distance: float
    features: list[tuple[str, float]]


def render(data: ReportData, pictures: Sequence[Picture]) -> str:
    """Return the report with its pictures inside."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["data_uri"] = _data_uri
    template = environment.from_string(files(__package__).joinpath(TEMPLATE).read_text("utf-8"))
    return template.render(
        data=data,
        facts=_facts(data),
        answers=_ANSWERS,
        modes=[_mode(data, mode) for mode in data.sizes],
        pictures=pictures,
        quality=None if data.quality is None else _table(data.quality),
    )


def _facts(data: ReportData) -> dict[str, str]:
    facts = {
        "episodes": f"{len(data.modes):,}",
        "modes": str(len(data.sizes)),
        "sensors": str(len(data.sensors)),
        "features": f"{data.feature_set}: {data.features.shape[1]} an episode",
        "algorithm": data.algorithm,
    }
    if data.silhouette is not None:
        facts["silhouette"] = f"{data.silhouette:.3f}"
        if data.null is not None:
            facts["silhouette"] += f" (data without structure: below {data.null.p95:.3f} in 95 %)"
    return {**facts, **data.facts}


def _mode(data: ReportData, mode: int) -> _Mode:
    largest = data.effects.distinctive(mode, FEATURES_A_MODE)
    several = len(data.sizes) > 1
    return _Mode(
        number=mode,
        name=data.names.get(mode),
        colour=colour(mode),
        size=data.sizes[mode],
        share=data.sizes[mode] / len(data.modes),
        distance=float(np.median(data.distances[data.modes == mode])),
        features=[(str(name), float(d)) for name, d in largest.items()] if several else [],
    )


def _table(frame: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows of a table; an index with names comes first."""
    if frame.index.name is not None:
        frame = frame.reset_index()
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return [str(column) for column in frame.columns], rows


def _cell(value: object) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
