"""Manifests of invented episodes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from trainer_job.episodes import Manifest

START = datetime(2026, 1, 31, tzinfo=UTC)


def make_manifest(
    ids: Sequence[int],
    machines: Sequence[str] | None = None,
    *,
    minutes: Sequence[float] | None = None,
    lengths: Sequence[float] | None = None,
    labels: Sequence[str | None] | None = None,
    readings: Sequence[int] | None = None,
    digests: Sequence[int] | None = None,
    unusable: Sequence[int] | None = None,
    duplicates: Sequence[int] | None = None,
) -> Manifest:
    """Return a manifest; what is left out is the same for all episodes.

    Parameters
    ----------
    minutes, lengths
        When each starts after `START`, and how long it lasts.
    """
    count = len(ids)
    starts = minutes if minutes is not None else range(count)
    ends = [a + b for a, b in zip(starts, lengths or [1.0] * count, strict=True)]

    def integers(
        values: Sequence[int] | None, otherwise: int
    ) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.array([otherwise] * count if values is None else values, dtype=np.int64)

    return Manifest(
        ids=np.array(ids, dtype=np.int64),
        machines=np.array(machines or ["m"] * count, dtype=object),
        started=_times(starts),
        closed=_times(ends),
        labels=np.array(labels or [None] * count, dtype=object),
        readings=integers(readings, 5),
        unusable=integers(unusable, 0),
        duplicates=integers(duplicates, 0),
        digests=integers(digests, 1),
    )


def _times(minutes: Sequence[float]) -> "np.ndarray[tuple[int], np.dtype[np.datetime64]]":
    moments = [(START + timedelta(minutes=each)).replace(tzinfo=None) for each in minutes]
    return np.array(moments, dtype="datetime64[us]")
