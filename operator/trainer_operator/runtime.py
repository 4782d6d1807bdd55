"""Puts the parts together: watches fill the store and wake runs, workers look at them.

kopf starts and stops it, and brings the TrainingRuns. Their children come by watches of our own,
which keep no more than decisions need.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Coroutine, Mapping
from typing import Any

from trainer_operator import health
from trainer_operator.cluster import Cluster, Kind, kinds
from trainer_operator.intake import Differences, due, intake
from trainer_operator.leader import Leader
from trainer_operator.metrics import Heard, Metrics, State
from trainer_operator.reconciler import Reconciler
from trainer_operator.resync import Resync
from trainer_operator.server import Server
from trainer_operator.settings import Settings
from trainer_operator.store import Store
from trainer_operator.watches import Keeper, Watch
from trainer_operator.workqueue import WorkQueue

logger = logging.getLogger(__name__)


class Runtime:
    """A running operator.

    Parameters
    ----------
    cluster
        The API server.
    settings
        The operator's.

    Attributes
    ----------
    runs
        Who takes over TrainingRuns.
    differences
        What their watch does not tell.
    """

    def __init__(self, cluster: Cluster, settings: Settings) -> None:
        self.cluster = cluster
        self.settings = settings
        self.store = Store()
        self.queue = WorkQueue()
        self.differences = Differences(time.monotonic)
        self.metrics = Metrics()
        cluster.session.told = self.metrics.called
        self.reconciler = Reconciler(
            cluster, settings, self.store, self.queue, metrics=self.metrics
        )
        limit = settings.max_concurrent_runs
        self.runs, jobs, pods, deployments = intake(self.store, self.queue.add, limit)
        keepers: dict[Kind, Keeper] = {
            kinds.JOBS: jobs,
            kinds.PODS: pods,
            kinds.DEPLOYMENTS: deployments,
        }
        self.watches = [
            Watch(cluster, kind, namespace, keeper)
            for kind, keeper in keepers.items()
            for namespace in settings.namespaces or (None,)
        ]
        self.resync = Resync(cluster, settings, self.store, self.runs, self.differences)
        self.leader = _leader(cluster, settings)
        if self.leader:
            cluster.session.fence = self.leader.fence
        self.works = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._server = Server(self._alive, self._ready, self.metrics.page)
        heard: list[Heard] = [*self.watches, self.differences]
        self.metrics.watch(State(self.store, self.queue, heard, self.works))

    async def start(self) -> None:
        """List the runs, then begin to watch their children and to look at them.

        Raises
        ------
        ClusterError
            If the API server does not answer, or does not know TrainingRuns.
        """
        for namespace in self.settings.namespaces or (None,):
            async for page, _ in self.cluster.pages(kinds.RUNS, namespace):
                for raw in page:
                    self.runs.put(raw)
        for watch in self.watches:
            self._spawn(watch.run(), f"watch of {watch.kind.plural}")
        if self.leader:
            self._spawn(self.leader.run(), "leader election")
        self._spawn(self._lead(), "start")
        if self.settings.liveness_port:
            await self._server.start(self.settings.liveness_port)

    def run_changed(self, raw: Mapping[str, Any], *, deleted: bool) -> None:
        """Take over what the watch of runs brought."""
        self.differences.watched(raw, deleted=deleted)
        if deleted:
            self.runs.delete(raw)
        else:
            self.runs.put(raw)

    async def close(self) -> None:
        """Stop looking at runs, then watching them; close the connections."""
        await self.reconciler.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.leader:  # after the last write
            await self.leader.release()
        await self._server.close()
        await self.cluster.close()

    async def _lead(self) -> None:
        """Look at runs as soon as all that belongs to them is known."""
        for watch in self.watches:
            await watch.synced.wait()
        if self.leader:
            await self.leader.leads.wait()
        for raw in self.store.runs:
            if due(raw):
                self.runs.wake(raw)
        self.reconciler.start()
        self.works.set()
        await self.resync.run()

    def _alive(self) -> list[str]:
        return [
            *health.silent(self.watches, self.leader, time.monotonic()),
            *health.behind(self.resync, self.differences, time.monotonic()),
        ]

    def _ready(self) -> list[str]:
        return [*health.unsynced(self.watches), *health.unheard(self.leader)]

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_ended)
        self._tasks.append(task)


def _leader(cluster: Cluster, settings: Settings) -> Leader | None:
    if settings.lease is None:
        return None
    namespace, _, name = settings.lease.partition("/")
    me = settings.identity or socket.gethostname()
    seconds = settings.lease_duration.total_seconds()
    return Leader(cluster, (namespace, name), me, seconds)


def _ended(task: asyncio.Task[None]) -> None:
    """End the process with a part of it that is to go on for ever: a restart mends more."""
    if task.cancelled():
        return
    logger.critical("%s ended", task.get_name(), exc_info=task.exception())
    logging.shutdown()
    os._exit(1)
