"""Two versions of a model, side by side."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from trainer_job.artifacts import EPISODES, PROFILES
from trainer_job.contract import format_timestamp
from trainer_job.fetching import download, find_version
from trainer_job.registry import lookup
from trainer_job.registry.tracking import Tracking

_OURS = "training.sensors.dev/"
_INTERNAL = {lookup.FIGURES_TAG}


@dataclass(frozen=True)
class Version:
    """A version with what its run has of it.

    Attributes
    ----------
    about
        When it was made, its aliases, and our tags of it: decision, run and the like.
    params, metrics
        Of its MLflow run.
    profiles
        :func:`trainer_job.report.profiles`; empty where the run has none.
    modes
        Episode → mode, of its training.
    """

    number: str
    about: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    profiles: Mapping[str, Any]
    modes: Mapping[str, int]


@dataclass(frozen=True)
class Pair:
    """Modes of two versions that share most episodes; None where the other has no such.

    Attributes
    ----------
    shared
        Number of the episodes of both trainings that both versions put there.
    """

    one: str | None
    other: str | None
    shared: int


def read(tracking: Tracking, name: str, number: str) -> Version:
    """Return a version.

    Raises
    ------
    BadConfiguration
        If there is none.
    """
    version = find_version(tracking, name, number)
    run = tracking.ask(lambda client: client.get_run(version.run_id))
    made = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
    aliases = ", ".join(version.aliases)
    about = {"created": format_timestamp(made.replace(microsecond=0)), "aliases": aliases}
    about |= {"mlflow run": version.run_id}
    tags = {**run.data.tags, **version.tags}
    ours = sorted(key for key in tags if key.startswith(_OURS) and key not in _INTERNAL)
    with TemporaryDirectory() as place:
        profiles = download(tracking, version.run_id, PROFILES, Path(place))
        episodes = download(tracking, version.run_id, EPISODES, Path(place))
        return Version(
            number=number,
            about=about | {key.removeprefix(_OURS): tags[key] for key in ours},
            params=dict(run.data.params),
            metrics=dict(run.data.metrics),
            profiles={} if profiles is None else json.loads(profiles.read_text("utf-8")),
            modes={} if episodes is None else _modes(episodes),
        )


def pairs(one: Version, other: Version) -> list[Pair]:
    """Pair the modes so that most episodes agree (Hungarian method, Kuhn 1955).

    Numbers of modes mean nothing across versions: only common episodes tell which are the same.
    """
    rows, columns = list(one.profiles), list(other.profiles)
    table = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for episode in one.modes.keys() & other.modes.keys():
        here, there = str(one.modes[episode]), str(other.modes[episode])
        if here in one.profiles and there in other.profiles:
            table[rows.index(here), columns.index(there)] += 1
    matched = {
        rows[row]: (columns[column], int(table[row, column]))
        for row, column in zip(*linear_sum_assignment(table, maximize=True), strict=True)
        if table[row, column]
    }
    found = [Pair(mode, *matched.get(mode, (None, 0))) for mode in rows]
    taken = {pair.other for pair in found}
    return found + [Pair(None, mode, 0) for mode in columns if mode not in taken]


def as_json(name: str, one: Version, other: Version) -> str:
    """Return both as a JSON document."""
    document = {
        "name": name,
        "versions": [
            {
                "version": version.number,
                "about": dict(version.about),
                "params": dict(version.params),
                "metrics": dict(version.metrics),
                "modes": dict(version.profiles),
            }
            for version in (one, other)
        ],
        "pairs": [
            {"modes": [pair.one, pair.other], "sharedEpisodes": pair.shared}
            for pair in pairs(one, other)
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _modes(file: Path) -> dict[str, int]:
    with file.open(encoding="utf-8", newline="") as rows:
        return {row["episode"]: int(row["mode"]) for row in csv.DictReader(rows)}
