"""Comparisons of versions as tables for a terminal."""

import io
import shutil
from collections.abc import Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from trainer_job.comparing import Pair, Version, pairs

FEATURES_A_MODE = 3


def as_table(name: str, one: Version, other: Version) -> str:
    """Return two versions of a model as text, as wide as the terminal."""
    common = sum(episode in other.modes for episode in one.modes)
    parts: list[RenderableType] = [
        Text(f"{name}: version {one.number} and version {other.number}"),
        _values("", one, other, one.about, other.about),
        _values("parameter", one, other, one.params, other.params),
        _metrics(one, other),
        _modes(one, other),
        Text(
            f"{common} episodes are in both trainings; modes stand in a line that share most of "
            "them. Features: distance from the mean of all episodes, in standard deviations."
        ),
    ]
    buffer = io.StringIO()
    width = max(shutil.get_terminal_size((110, 24)).columns, 60)
    console = Console(file=buffer, width=width, color_system=None, markup=False, highlight=False)
    for part in parts:
        console.print(part)
    lines = (line.rstrip() for line in buffer.getvalue().splitlines())
    return "\n".join(lines)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    return table


def _add(table: Table, *cells: str) -> None:
    # As text: what people call their modes is no markup.
    table.add_row(*(Text(cell) for cell in cells))


def _values(
    what: str, one: Version, other: Version, first: Mapping[str, str], second: Mapping[str, str]
) -> Table:
    table = _table("\n" + what, f"\nversion {one.number}", f"\nversion {other.number}", "\n")
    for key in _keys(first, second):
        a, b = first.get(key, "-"), second.get(key, "-")
        _add(table, key, a or "-", b or "-", "" if a == b else "differs")
    return table


def _metrics(one: Version, other: Version) -> Table:
    numbers = (f"\nversion {one.number}", f"\nversion {other.number}")
    table = _table("\nmetric", *numbers, "\ndifference")
    for key in _keys(one.metrics, other.metrics):
        a, b = one.metrics.get(key), other.metrics.get(key)
        both = a is not None and b is not None
        _add(table, key, _number(a), _number(b), f"{(b or 0) - (a or 0):+.4g}" if both else "")
    return table


def _modes(one: Version, other: Version) -> Table:
    table = _table(f"\nmode of {one.number}", f"\nmode of {other.number}", "\nshared episodes")
    for pair in pairs(one, other):
        shared = "" if None in {pair.one, pair.other} else str(pair.shared)
        _add(table, *_cells(pair, one, other), shared)
    return table


def _cells(pair: Pair, one: Version, other: Version) -> tuple[str, str]:
    return _mode(pair.one, one.profiles), _mode(pair.other, other.profiles)


def _mode(mode: str | None, profiles: Mapping[str, Any]) -> str:
    if mode is None:
        return "-"
    profile = profiles[mode]
    features = list(profile["distinctive_features"].items())[:FEATURES_A_MODE]
    lines = [f"{mode}: {profile['label'] or 'unnamed'}, {profile['size']} episodes"]
    return "\n".join(lines + [f"   {feature} {value:+.1f}" for feature, value in features])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _keys(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*first, *second]))
