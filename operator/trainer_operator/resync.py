"""The periodic look at everything: whatever a watch or a timer missed is found here."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from trainer_operator import constants
from trainer_operator.cluster import Cluster, kinds
from trainer_operator.errors import ClusterError
from trainer_operator.intake import Differences, Runs
from trainer_operator.observed import Deployment
from trainer_operator.reconcile import orphans
from trainer_operator.settings import Settings
from trainer_operator.store import Key, Store, key_of, not_older

logger = logging.getLogger(__name__)

Object = dict[str, Any]


class Resync:
    """Lists the versions of all runs, takes over what is newer, and wakes what goes on.

    Parameters
    ----------
    cluster
        The API server.
    settings
        The operator's.
    store
        What is known of the cluster.
    runs
        Who takes over runs.
    differences
        Where is noted what the watch of runs did not tell.
    clock
        Returns seconds that only grow.

    Attributes
    ----------
    done
        When it was done last, or begun first, by the clock; None before.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        store: Store,
        runs: Runs,
        differences: Differences,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._store = store
        self._runs = runs
        self._differences = differences
        self._clock = clock
        self.seconds = settings.resync.total_seconds()
        self.done: float | None = None

    async def run(self) -> None:
        """Look again and again; what goes wrong is only told."""
        self.done = self._clock()  # so that it shows if not even the first look succeeds
        while True:
            await asyncio.sleep(self.seconds)
            try:
                await self.once()
            except ClusterError as error:
                logger.warning("Resync: %s", error)
            except Exception:  # without it, nothing that an event missed would be found
                logger.exception("Resync")

    async def once(self) -> None:
        """Look at everything once."""
        known, listed = self._store.runs.keys(), await self._list()
        self._differences.listed(list(listed.values()))
        for key, raw in listed.items():
            own = self._store.runs.get(key)
            if own is None or not (_same(own, raw) and not_older(own, raw)):
                await self._read(key)
        for key in known - listed.keys():  # gone, and was known before the list began
            self._runs.lose(key)
        for raw in self._store.unfinished():
            self._runs.wake(raw)
        await self._orphans({raw["metadata"]["uid"] for raw in listed.values()})
        self.done = self._clock()

    async def _list(self) -> dict[Key, Object]:
        return {
            key_of(raw): raw
            for namespace in self._settings.namespaces or (None,)
            async for page, _ in self._cluster.pages(kinds.RUN_VERSIONS, namespace)
            for raw in page
        }

    async def _read(self, key: Key) -> None:
        if raw := await self._cluster.get_run(*key):
            self._runs.put(raw)

    async def _orphans(self, uids: set[str]) -> None:
        """Take the claims of runs that are gone off their Deployments."""
        known = uids | {raw["metadata"]["uid"] for raw in self._store.runs}
        for kept in self._store.deployments:
            claim = kept["metadata"]["annotations"].get(constants.CLAIM)
            if claim is None or claim in known:
                continue
            namespace, name = key_of(kept)
            raw = await self._cluster.get_deployment(namespace, name)
            patch = raw and orphans.restore(namespace, Deployment.read(raw), known)
            if patch:
                logger.info("%s/%s: its claim is of a run that is gone", namespace, name)
                await self._cluster.patch_deployment(
                    namespace, name, patch.body, apply=patch.applies
                )


def _same(raw: Object, other: Object) -> bool:
    return bool(raw["metadata"]["uid"] == other["metadata"]["uid"])
