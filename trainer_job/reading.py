"""What a run reads: the episodes of its window, and those that versions are compared on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec

import numpy as np
import pandas as pd

from trainer_job import moments, reasons
from trainer_job.contract import RunDocument
from trainer_job.coverage import Coverage, cover
from trainer_job.database.records import RunRecord
from trainer_job.episodes import EpisodeSource, Manifest
from trainer_job.errors import BadConfiguration, UnusableData
from trainer_job.holdout import Rule, blocks, held_out_blocks
from trainer_job.moments import Moments
from trainer_job.quality import Quality


@dataclass(frozen=True)
class Found:
    """The episodes of a window.

    Attributes
    ----------
    since, until
        The window; `since` lies further back where too few episodes were found.
    all
        All of them.
    training
        Those that may be fitted on.
    compared
        Held-out episodes, also from before the window, on which versions are compared.
    """

    since: datetime
    until: datetime
    all: Manifest
    training: Manifest
    compared: Manifest

    @property
    def held_out(self) -> int:
        """Number of episodes of the window that are not fitted on."""
        return len(self.all) - len(self.training)


@dataclass(frozen=True)
class Usable:
    """What is left of the training episodes: a table without gaps.

    Attributes
    ----------
    manifest
        The episodes.
    moments
        Their moments, of `coverage.sensors`.
    every
        The moments of all training episodes with all their sensors.
    coverage
        Which sensors and episodes were chosen.
    """

    manifest: Manifest
    moments: Moments
    every: Moments
    coverage: Coverage


def computable(feature_set: str) -> bool:
    """Say whether what a feature set needs is installed."""
    return feature_set != "catch22" or find_spec("pycatch22") is not None


def require(feature_set: str) -> None:
    """Check that what a feature set needs is installed.

    Raises
    ------
    BadConfiguration
        If it is not.
    """
    if not computable(feature_set):
        raise BadConfiguration(
            reasons.MISSING_EXTRA,
            f"The feature set {feature_set} (spec.features.set) needs the package pycatch22, which "
            "is not installed. Set spec.job.image to one with trainer-operator[job,catch22], or "
            "another set.",
        )


def find(
    document: RunDocument, source: EpisodeSource, record: RunRecord | None, rule: Rule | None
) -> Found:
    """Return the window's episodes, or those of the run's first attempt.

    Raises
    ------
    UnusableData
        If readings of the first attempt's episodes have changed since.
    """
    since, until = document.data.window(document.as_of)
    if record is None or record.episodes is None:
        since, found = _window(document, source, since, until, rule)
    else:
        found = _recorded(source, record.episodes, record.feature_hash, record.labels)
        since = min([since, *_earliest(found)])
    held = _held_out(found, rule)
    if record is None or record.compared is None:
        compared = _compared(document, source, rule)
    else:
        compared = _recorded(
            source,
            record.compared,
            record.compared_hash,
            record.compared_labels,
            "that versions are compared on",
        )
    return Found(since, until, found, found.take(~held), compared)


def usable(source: EpisodeSource, training: Manifest) -> Usable:
    """Return the table without gaps.

    Raises
    ------
    UnusableData
        If most episodes have no sensor in common.
    """
    every = source.moments(training.ids)
    coverage = cover(every)
    rows = np.flatnonzero(coverage.complete)
    return Usable(training.take(rows), every.take(rows.tolist(), coverage.sensors), every, coverage)


def sample(source: EpisodeSource, ids: Sequence[int], sensors: Sequence[str]) -> pd.DataFrame:
    """Return the readings of a few episodes, with what is no measurement left out.

    Not as the store has them: a predictor that is asked by JSON takes numbers alone, and a number
    that no double holds is none that JSON can say.

    Raises
    ------
    UnusableData
        If they are not those that the moments were made of.
    """
    if changed := source.changed(ids):
        listed = ", ".join(str(episode) for episode in changed)
        raise UnusableData(
            reasons.DATA_CHANGED,
            f"Readings of episode {listed} were changed or deleted after their moments had been "
            "computed and kept. Apply a new run that computes everything anew "
            "(spec.source.data.rebuild: true).",
        )
    found = source.readings(ids).reindex(columns=["episode", "timestamp", *sensors])
    return pd.concat([found[["episode", "timestamp"]], moments.usable(found, sensors)], axis=1)


def quality(document: RunDocument, source: EpisodeSource, found: Found, used: Usable) -> Quality:
    """Return what stands in the data quality table."""
    number = source.open_episodes(found.since, found.until, document.data.machines)
    return Quality(found.all, used.coverage, found.held_out, number)


def _recorded(
    source: EpisodeSource,
    ids: Sequence[int],
    digest: str | None,
    labels: Sequence[str | None] | None,
    which: str = "of this run",
) -> Manifest:
    """Return episodes as the first attempt has written them down."""
    found = source.recorded(ids)
    if found.hash() != digest:
        raise UnusableData(
            reasons.DATA_CHANGED,
            f"Readings of the {len(ids)} episodes {which} were changed, added or deleted since the "
            "first attempt of this run, and a run is decided on one state of the data. Apply a new "
            "run.",
        )
    # What people say meanwhile is the next run's affair.
    return found if labels is None else replace(found, labels=np.array(labels, dtype=object))


def _window(
    document: RunDocument,
    source: EpisodeSource,
    since: datetime,
    until: datetime,
    rule: Rule | None,
) -> tuple[datetime, Manifest]:
    """Return start and episodes of the window, widened where it holds too few to fit on."""
    data = document.data
    found = source.manifest(since, until, data.machines)
    wanted = data.extend_until
    if wanted is None:
        return since, found
    bound = min(since, _before(until, wanted.at_most))
    # How many of the earlier ones are held out shows only once they are found.
    while (lacking := wanted.episodes - int((~_held_out(found, rule)).sum())) > 0:
        start = source.earlier(since, bound, data.machines, lacking)
        if start == since:
            break
        since, found = start, source.manifest(start, until, data.machines)
    return since, found


def _before(moment: datetime, span: timedelta) -> datetime:
    try:
        return moment - span
    except OverflowError:  # before the year 1
        return datetime.min.replace(tzinfo=UTC)


def _earliest(found: Manifest) -> list[datetime]:
    if not len(found):
        return []
    first: datetime = found.started.min().astype("datetime64[us]").item()
    return [first.replace(tzinfo=UTC)]


def _held_out(found: Manifest, rule: Rule | None) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    if rule is None:
        return np.zeros(len(found), dtype=bool)
    return held_out_blocks(rule.salt, blocks(found.machines, found.started), rule.fraction)


def _compared(document: RunDocument, source: EpisodeSource, rule: Rule | None) -> Manifest:
    """Return the held-out episodes that were closed before asOf, as far as the spec looks back."""
    spec = document.gates.champion
    if rule is None or spec is None:
        return source.recorded([])
    since = _before(document.as_of, spec.lookback)
    found = source.manifest(
        since,
        document.as_of,
        document.data.machines,
        lambda machines, started: held_out_blocks(
            rule.salt, blocks(machines, started), rule.fraction
        ),
    )
    return found.take(found.closed < np.datetime64(document.as_of.replace(tzinfo=None), "us"))
