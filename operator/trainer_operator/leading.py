"""Who of several operators works: what a look at the Lease means.

Times of others are never compared with the own clock. A holder is alive as long as its record
changes; that is judged by when this one saw the change, on a clock that only goes on. The holder
itself stops to write before anybody else may judge it dead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

Object = dict[str, Any]
Raw = Mapping[str, Any]

RENEWALS = 3
"""Renewals that are due within the duration."""
_MARGIN = 2 / 3
"""Part of the duration for which a renewal lets its holder write."""


class Step(Enum):
    """What is to be done about the Lease."""

    CREATE = "create"
    TAKE = "take"
    RENEW = "renew"
    WAIT = "wait"


@dataclass(frozen=True)
class Seen:
    """The record that was seen last, and when it was first seen so, by the own clock.

    A record is known by its resourceVersion, which changes with each renewal.
    """

    version: str
    since: float

    @classmethod
    def look(cls, lease: Raw | None, before: "Seen | None", now: float) -> "Seen | None":
        """Return what is seen now, with what was seen before."""
        if lease is None:
            return None
        version = str(lease["metadata"].get("resourceVersion", ""))
        return before if before and before.version == version else cls(version, now)


def step(lease: Raw | None, me: str, seen: Seen | None, now: float, duration: float) -> Step:
    """Return what this operator does about the Lease.

    Parameters
    ----------
    lease
        As it was read a moment ago; None where there is none.
    me
        This operator's name in it. A container that was restarted has the name of before, and
        is leader at once.
    seen
        What was seen of it, from the same read.
    now, duration
        Seconds of the own clock, and after how many without a change a holder counts as dead.
        The longer of the own duration and that of the record counts.
    """
    if lease is None:
        return Step.CREATE
    spec = lease.get("spec") or {}
    holder = spec.get("holderIdentity") or ""
    if holder == me:
        return Step.RENEW
    if not holder:
        return Step.TAKE
    patience = max(duration, float(spec.get("leaseDurationSeconds") or 0))
    if seen is not None and now - seen.since > patience:
        return Step.TAKE
    return Step.WAIT


def may_write(renewed: float | None, now: float, duration: float) -> bool:
    """Say whether the holder may still write.

    Parameters
    ----------
    renewed
        When the last renewal that succeeded was *sent*; None if none did.
    now, duration
        As in `step`.
    """
    return renewed is not None and now - renewed < _MARGIN * duration


def record(
    lease: Raw | None, namespace: str, name: str, me: str, duration: float, time: str
) -> Object:
    """Return the Lease as it is to be written; "" for `me` gives it up.

    Parameters
    ----------
    lease
        As it was read: its version is the precondition. None for a new one.
    namespace, name
        Where it is.
    me, duration
        As in `step`.
    time
        The time, for people.
    """
    before = dict((lease or {}).get("spec") or {})
    spec = {
        "holderIdentity": me,
        "leaseDurationSeconds": max(1, round(duration)),
        "renewTime": time,
        "acquireTime": before.get("acquireTime", time),
        "leaseTransitions": before.get("leaseTransitions", 0),
    }
    if before.get("holderIdentity") != me and me:
        spec["acquireTime"] = time
        spec["leaseTransitions"] += int(bool(before))
    metadata = {"namespace": namespace, "name": name}
    if lease is not None:
        metadata["resourceVersion"] = lease["metadata"]["resourceVersion"]
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": spec,
    }
