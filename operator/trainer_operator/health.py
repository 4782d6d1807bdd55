"""Whether the operator lives and is ready, by what it heard and did, and when."""

from collections.abc import Sequence

from trainer_operator.intake import Differences
from trainer_operator.leader import Leader
from trainer_operator.resync import Resync
from trainer_operator.watches import Watch

_SILENT = 150.0
"""Seconds without a word from a watch: bookmarks come each minute."""
_MISSED = 3
"""Rounds of the resync, or durations of the Lease, that may pass without success."""


def silent(watches: Sequence[Watch], leader: Leader | None, now: float) -> list[str]:
    """Return who has not heard of the API server for so long that a restart may help."""
    problems = [
        f"The watch of {watch.resource} has been silent for {now - watch.alive:.0f} s."
        for watch in watches
        if now - watch.alive > _SILENT
    ]
    return [*problems, *unheard(leader)]


def behind(resync: Resync, differences: Differences, now: float) -> list[str]:
    """Return what the operator no longer does, or does not learn.

    A watch of runs that is dead shows here: a list knows what it did not tell.
    """
    problems = []
    bound = max(_SILENT, _MISSED * resync.seconds)
    if resync.done is not None and now - resync.done > bound:
        problems.append(f"The last resync was {now - resync.done:.0f} s ago.")
    if differences.age > bound:
        age = differences.age
        problems.append(f"The watch of trainingruns has missed a change for {age:.0f} s.")
    return problems


def unsynced(watches: Sequence[Watch]) -> list[str]:
    """Return what is not known yet."""
    return [
        f"The {watch.resource} are not known yet." for watch in watches if not watch.synced.is_set()
    ]


def unheard(leader: Leader | None) -> list[str]:
    """Return that the Lease could not be read for long, where there is one."""
    if leader is None or leader.silence <= _MISSED * leader.duration:
        return []
    return [f"The Lease could not be read for {leader.silence:.0f} s."]
