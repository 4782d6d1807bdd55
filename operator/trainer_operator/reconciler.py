"""Looks at one run at a time, writes what was decided, and looks again when it is due.

Runs come from the queue, most urgent first; what is known of them comes from the store. Before
the operator leads, runs only gather in the queue.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from trainer_operator import events, logs
from trainer_operator.acting import Actor
from trainer_operator.cluster import Cluster
from trainer_operator.errors import Changed, ClusterError, NotFound, Refused
from trainer_operator.intake import Runs, due
from trainer_operator.metrics import Metrics
from trainer_operator.models import Phase, TrainingRun
from trainer_operator.observed import Observed, Refusal
from trainer_operator.observer import Observer
from trainer_operator.pruning import finished
from trainer_operator.reconcile import DeleteJob, DeleteRun, Plan, ReadAgain, StopJob, decide
from trainer_operator.settings import Settings
from trainer_operator.store import Key, Store
from trainer_operator.workqueue import WorkQueue

logger = logging.getLogger(__name__)

_AT_ONCE = 16
"""Runs that are looked at at the same time."""
_SLOWEST = 30.0
"""Longest wait after errors, in seconds."""
_FOLLOWED = {Phase.PENDING, Phase.RUNNING, Phase.ROLLING_OUT, Phase.PROMOTING}
"""Phases in which the time alone may change something, also where the plan does not say when."""


def now() -> datetime:
    """Return the time in whole seconds, as Kubernetes keeps it."""
    return datetime.now(UTC).replace(microsecond=0)


class Reconciler:
    """Brings runs forward.

    Parameters
    ----------
    cluster
        The API server.
    settings
        The operator's.
    store
        What is known of the cluster.
    queue
        The runs that are to be looked at.
    clock
        Returns the time, with its zone.
    metrics
        Where looks and ends of runs are noted.
    """

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        store: Store,
        queue: WorkQueue,
        clock: Callable[[], datetime] = now,
        metrics: Metrics | None = None,
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._store = store
        self._queue = queue
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._runs = Runs(store, queue.add, settings.max_concurrent_runs)
        self._observer = Observer(cluster, store, settings)
        self._actor = Actor(cluster, store, self._runs)
        self._failures: dict[Key, int] = {}
        self._stale: set[Key] = set()
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to look at runs."""
        if not self._workers:
            self._workers = [
                asyncio.create_task(self._work(), name=f"worker {number}")
                for number in range(_AT_ONCE)
            ]

    async def close(self) -> None:
        """Stop; what was begun is found again at the next start."""
        self._queue.close()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers = []

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            delay, began = None, time.perf_counter()
            try:
                with logs.about(*key, uid=self._uid(key)):
                    delay = await self._look(key)
            finally:
                self._metrics.looked(began)
                self._queue.done(key)
            if delay is not None:
                self._queue.add_after(key, delay)

    def _uid(self, key: Key) -> str:
        raw = self._store.runs.get(key)
        return str(raw["metadata"]["uid"]) if raw else ""

    async def _look(self, key: Key) -> float | None:
        try:
            delay = await self.reconcile(key)
        except (Changed, NotFound) as error:  # what is known is old, and the watch may take a while
            logger.debug("%s", error)
            self._metrics.failed(error)
            self._stale.add(key)
            return self._later(key, 0.05)
        except Exception as error:
            delay = self._later(key, 0.5)
            self._metrics.failed(error)
            known = isinstance(error, ClusterError)
            logger.warning("%s; next look in %.0f s", error, delay, exc_info=not known)
            return delay
        self._failures.pop(key, None)
        return delay

    def _later(self, key: Key, seconds: float) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        return min(_SLOWEST, seconds * 2.0 ** min(failures, 10))

    async def reconcile(self, key: Key) -> float | None:
        """Look at a run once and do what is due.

        Returns
        -------
        float or None
            In how many seconds to look again; None if only an event can change anything.
        """
        fresh = key in self._stale
        if fresh:
            await self._read(key)
            self._stale.discard(key)
        raw = self._store.runs.get(key)
        if raw is None:
            return None
        run = self._store.view(raw)
        observed = await self._observer.observe(run, self._clock(), fresh=fresh)
        plan = self._decide(observed)
        if plan and not fresh and _final(plan, run):
            observed = await self._observer.observe(run, self._clock(), fresh=True)
            plan = self._decide(observed)
        return None if plan is None else await self._carry_out(raw, observed, plan)

    async def _read(self, key: Key) -> None:
        raw = await self._cluster.get_run(*key)
        if raw is not None:
            self._runs.put(raw)
        elif known := self._store.runs.get(key):
            self._runs.delete(known)

    def _decide(self, observed: Observed) -> Plan | None:
        return decide(observed, self._clock(), self._settings)

    async def _carry_out(self, raw: dict[str, Any], observed: Observed, plan: Plan) -> float | None:
        """Write the status, act, and tell of it; return when to look again."""
        written = await self._write(raw, observed.run, plan)
        try:
            done = await self._act(written, observed, plan)
        finally:  # the transition is a fact, whatever came of its consequence
            await self._tell(observed.run, plan)
        if isinstance(plan.action, DeleteRun):
            return None
        if plan.status.phase and plan.status.phase.finished:
            return 0.0 if due(written) and not finished(raw) else _seconds(plan)
        if done or plan.status.phase != observed.run.status.phase:
            return 0.0
        return self._again(plan)

    def _again(self, plan: Plan) -> float | None:
        if plan.again is None and plan.status.phase in _FOLLOWED:
            return self._settings.poll.total_seconds()
        return _seconds(plan)

    async def _write(self, raw: dict[str, Any], run: TrainingRun, plan: Plan) -> dict[str, Any]:
        """Write the status where it differs. That of a finished run is not kept, and stays."""
        status = plan.status.to_json()
        if finished(raw) or status == run.status.to_json():
            return raw
        written = await self._cluster.write_status(raw, status)
        self._runs.own(written)
        if plan.status.phase and plan.status.phase.finished:
            self._metrics.ended(run, plan.status)
        return written

    async def _tell(self, run: TrainingRun, plan: Plan) -> None:
        """Tell of a transition: an Event is a courtesy, and stops nothing."""
        event = events.transition(run, plan.status, plan.reason, self._clock())
        if event is None:
            return
        logger.info("%s", event["message"])
        try:
            await self._cluster.create_event(event)
        except ClusterError as error:
            logger.warning("No Event: %s", error)

    async def _act(self, raw: dict[str, Any], observed: Observed, plan: Plan) -> bool:
        """Do the plan's action; a refusal is decided about anew. Return whether it was done."""
        if plan.action is None or isinstance(plan.action, ReadAgain):
            return False
        ends = plan.status.phase is not None and plan.status.phase.finished
        try:
            await self._actor.act(raw, plan.action)
        except Refused as error:
            if ends:
                logger.warning("%s: %s", plan.action, error.message)
                return False
            refusal = Refusal(error.message, error.for_good)
            logger.debug("%s", error.message)
            return await self._after_refusal(raw, replace(observed, refused=refusal))
        return True

    async def _after_refusal(self, raw: dict[str, Any], observed: Observed) -> bool:
        run = TrainingRun.read(raw)
        plan = self._decide(replace(observed, run=run))
        if plan is None:
            return False
        written = await self._write(raw, run, plan)
        await self._tell(run, plan)
        if plan.action is None:
            return False
        await self._actor.act(written, plan.action)
        return True


def _final(plan: Plan, run: TrainingRun) -> bool:
    """Say whether a plan cannot be taken back, so that it must not rest on old news."""
    if run.status.phase and run.status.phase.finished:
        return False
    ends_badly = plan.status.phase is Phase.FAILED
    return ends_badly or isinstance(plan.action, StopJob | DeleteJob | ReadAgain)


def _seconds(plan: Plan) -> float | None:
    return None if plan.again is None else max(0.1, plan.again.total_seconds())
