"""One kind of objects, listed and then watched: each change goes to whoever keeps them."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Protocol

from trainer_operator.cluster import Cluster, Kind
from trainer_operator.errors import ClusterError, Expired
from trainer_operator.store import Key, key_of

logger = logging.getLogger(__name__)

Object = dict[str, Any]
_RELIST = 1800.0
"""Seconds after which all is listed anew, whatever the watch told."""
_SLOWEST = 30.0
_BREATH = 0.1
"""Seconds between two watches: a server that ends them at once is not asked without a pause."""
_GONE = 410


class Keeper(Protocol):
    """Keeps the objects of a kind."""

    def known(self, namespace: str | None) -> set[Key]:
        """Return where objects are that it keeps."""

    def put(self, raw: Object) -> None:
        """Take over an object."""

    def delete(self, raw: Object) -> None:
        """Forget an object that was deleted."""

    def lose(self, key: Key) -> None:
        """Forget an object that a list no longer holds."""


class Watch:
    """Follows one kind of objects in a namespace, or everywhere.

    Parameters
    ----------
    cluster
        The API server.
    kind
        What is watched.
    namespace
        Where; everywhere if None.
    keeper
        Who keeps the objects.
    clock
        Returns seconds that only grow.

    Attributes
    ----------
    synced
        Set once everything was listed.
    alive
        When the API server was last heard, by the clock.
    """

    def __init__(
        self,
        cluster: Cluster,
        kind: Kind,
        namespace: str | None,
        keeper: Keeper,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kind = kind
        self.namespace = namespace
        self.synced = asyncio.Event()
        self._cluster = cluster
        self._keeper = keeper
        self._clock = clock
        self.alive = clock()
        self._failures = 0

    @property
    def resource(self) -> str:
        """Return the plural of its kind."""
        return self.kind.plural

    @property
    def age(self) -> float:
        """Return since how many seconds the API server was not heard."""
        return self._clock() - self.alive

    async def run(self) -> None:
        """List and watch until cancelled; whatever the API server says, it is asked again."""
        while True:
            try:
                await self._follow(await self._list())
            except Expired:
                logger.debug("%s: listed anew", self.kind.plural)
            except ClusterError as error:
                await self._pause(error)

    async def _pause(self, error: ClusterError) -> None:
        self._failures += 1
        delay = min(_SLOWEST, 0.2 * 2 ** min(self._failures, 10)) * random.uniform(0.5, 1)  # noqa: S311 - no secret
        level = logging.WARNING if self._failures > 1 else logging.DEBUG
        logger.log(level, "Watch of %s: %s; again in %.1f s", self.kind.plural, error, delay)
        await asyncio.sleep(delay)

    async def _list(self) -> str:
        """Take over all that there is; return the version of the list."""
        known, seen, version = self._keeper.known(self.namespace), set(), ""
        async for page, version in self._cluster.pages(self.kind, self.namespace):  # noqa: B007
            self._heard()
            for raw in page:
                seen.add(key_of(raw))
                self._keeper.put(raw)
        for key in known - seen:  # what came while it was listed is not older than the list
            self._keeper.lose(key)
        self.synced.set()
        return version

    async def _follow(self, version: str) -> None:
        """Take over changes until it is time to list anew."""
        due = self._clock() + _RELIST
        while self._clock() < due:
            try:
                async with aclosing(self._changes(version)) as changes:
                    async for change in changes:
                        version = self._take(change)
            except Expired:
                raise
            except ClusterError as error:  # it goes on where it was
                await self._pause(error)
            await asyncio.sleep(_BREATH)

    def _changes(self, version: str) -> AsyncGenerator[Object, None]:
        seconds = random.randint(270, 330)  # noqa: S311 - so that not all end at once
        return self._cluster.changes(self.kind, self.namespace, version, seconds, self._heard)

    def _take(self, change: Object) -> str:
        kind, raw = change["type"], change["object"]
        if kind == "ERROR":
            if raw.get("code") == _GONE:
                raise Expired(raw.get("message", "too old"))
            raise ClusterError(raw.get("message", "an error"))
        if kind == "DELETED":
            self._keeper.delete(raw)
        elif kind != "BOOKMARK":
            self._keeper.put(raw)
        return str(raw["metadata"]["resourceVersion"])

    def _heard(self) -> None:
        self.alive = self._clock()
        self._failures = 0
