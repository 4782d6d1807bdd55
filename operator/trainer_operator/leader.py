"""Holds the Lease: one of several operators works, the others know everything and wait."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from trainer_operator import leading
from trainer_operator.cluster import Cluster
from trainer_operator.errors import Changed, ClusterError
from trainer_operator.leading import Seen, Step

logger = logging.getLogger(__name__)


def die(message: str) -> None:
    """End the process at once: nothing that it began may be written any more."""
    logger.critical("%s", message)
    logging.shutdown()
    os._exit(1)


class Leader:
    """Takes part in the election.

    Parameters
    ----------
    cluster
        The API server.
    place
        Namespace and name of the Lease.
    me
        This operator's name in it.
    duration
        Seconds after which a holder counts as dead.
    lost
        Called where this one worked and may not any more; it does not return in a real operator.
    clock
        Returns seconds that only grow, also while the process is stopped.

    Attributes
    ----------
    leads
        Set once this one may work.
    heard
        When the Lease was read last, by the clock.
    """

    def __init__(
        self,
        cluster: Cluster,
        place: tuple[str, str],
        me: str,
        duration: float,
        lost: Callable[[str], None] = die,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._namespace, self._name = place
        self._me = me
        self._duration = duration
        self._lost = lost
        self._clock = clock
        self._seen: Seen | None = None
        self._renewed: float | None = None
        self._lease: dict[str, Any] | None = None
        self.leads = asyncio.Event()
        self.heard = clock()

    @property
    def silence(self) -> float:
        """Return since how many seconds the Lease could not be read."""
        return self._clock() - self.heard

    @property
    def duration(self) -> float:
        """Return after how many seconds a holder counts as dead."""
        return self._duration

    def fence(self) -> None:
        """Let a write of the leader pass; one that comes too late ends the process."""
        if not leading.may_write(self._renewed, self._clock(), self._duration):
            self._lost(f"{self._me} has not renewed the Lease in time: it writes nothing more.")

    async def run(self) -> None:
        """Take part until cancelled."""
        pause = self._duration / leading.RENEWALS
        while True:
            try:
                # A request that hangs must not outlast the time for which it lets one write.
                async with asyncio.timeout(pause):
                    await self.once()
            except (ClusterError, TimeoutError) as error:
                logger.warning("Lease %s/%s: %s", self._namespace, self._name, error or "no answer")
            if self.leads.is_set():
                self.fence()
            await asyncio.sleep(pause)

    async def once(self) -> None:
        """Look at the Lease once and do what is due.

        Raises
        ------
        ClusterError
            If it could not be read or written.
        """
        lease = await self._cluster.get_lease(self._namespace, self._name)
        now = self.heard = self._clock()
        self._seen = Seen.look(lease, self._seen, now)
        due = leading.step(lease, self._me, self._seen, now, self._duration)
        if due is Step.WAIT:
            if self.leads.is_set():
                self._lost(f"The Lease is held by {_holder(lease)} and not by {self._me} any more.")
            return
        await self._write(lease, self._me)
        self._renewed = now
        if not self.leads.is_set():
            logger.info("%s leads.", self._me)
            self.leads.set()

    async def release(self) -> None:
        """Give the Lease up, so that the next one need not wait until it runs out."""
        if not self.leads.is_set() or self._lease is None:
            return
        try:
            async with asyncio.timeout(1):
                await self._write(self._lease, "")
        except (ClusterError, TimeoutError) as error:
            logger.warning("The Lease could not be given up: %s", error or "no answer")

    async def _write(self, lease: dict[str, Any] | None, me: str) -> None:
        moment = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        body = leading.record(lease, self._namespace, self._name, me, self._duration, moment)
        try:
            self._lease = await self._cluster.write_lease(body, new=lease is None)
        except Changed:
            logger.debug("Lease %s/%s: somebody was faster", self._namespace, self._name)
            raise


def _holder(lease: dict[str, Any] | None) -> str:
    return str(((lease or {}).get("spec") or {}).get("holderIdentity") or "nobody")
