"""Looks at one run at a time, writes what was decided, and looks again when it is due.

``wake`` serves every source: events of runs, Jobs, pods and Deployments, the resync, and a
run's own timer. A run has one task at most, so nothing happens to it twice at once; a wake
while it is looked at makes it be looked at once more.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from trainer_operator import constants, events
from trainer_operator.cluster import Cluster
from trainer_operator.errors import Changed, ClusterError, NotFound, Refused
from trainer_operator.models import TrainingRun
from trainer_operator.observed import Observed, Refusal
from trainer_operator.observer import observe
from trainer_operator.reconcile import CreateJob, PatchDeployment, Plan, StopJob, decide
from trainer_operator.settings import Settings

logger = logging.getLogger(__name__)

_AT_ONCE = 16
"""Runs that are looked at at the same time."""
_SLOWEST = 30.0
"""Longest wait after errors, in seconds."""


class Key(NamedTuple):
    """Where a run is."""

    namespace: str
    name: str


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
    clock
        Returns the time, with its zone.
    """

    def __init__(
        self, cluster: Cluster, settings: Settings, clock: Callable[[], datetime] = now
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._clock = clock
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._predictors: dict[Key, str] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def wake(self, key: Key) -> None:
        """Have a run looked at soon."""
        if key in self._tasks:
            self._again.add(key)
            return
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._tasks[key] = asyncio.create_task(self._look(key), name=f"run {key}")

    def wake_predictor(self, namespace: str, deployment: str) -> None:
        """Have the unfinished runs looked at that a Deployment's change may concern."""
        for key, name in list(self._predictors.items()):
            if (key.namespace, name) == (namespace, deployment):
                self.wake(key)

    async def resync(self) -> None:
        """Have every unfinished run looked at."""
        for namespace in self._settings.namespaces or (None,):
            for raw in await self._cluster.list_runs(namespace):
                if not finished(raw):
                    self.wake(Key(raw["metadata"]["namespace"], raw["metadata"]["name"]))

    async def close(self) -> None:
        """Stop; what was begun is found again at the next start."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, key: Key) -> None:
        delay: float | None
        try:
            async with self._slots:
                delay = await self.reconcile(key)
            self._failures.pop(key, None)
        except (Changed, NotFound) as error:
            logger.debug("%s/%s: %s", *key, error)
            delay = 0.1
        except Exception as error:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            delay = min(_SLOWEST, 0.5 * 2**failures)
            known = isinstance(error, ClusterError)
            logger.warning("%s/%s: %s; next look in %.0f s", *key, error, delay, exc_info=not known)
        finally:
            del self._tasks[key]
        if key in self._again:
            self._again.discard(key)
            delay = 0.0
        if delay is not None:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(delay, self._due, key)

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.wake(key)

    async def reconcile(self, key: Key) -> float | None:
        """Look at a run once and do what is due.

        Returns
        -------
        float or None
            In how many seconds to look again; None if only an event can change anything.
        """
        raw = await self._cluster.get_run(*key)
        if raw is None or finished(raw):
            self._predictors.pop(key, None)
            return None
        run = TrainingRun.read(raw)
        if run.spec.predictor:
            self._predictors[key] = run.spec.predictor.deployment
        observed = await observe(self._cluster, run)
        plan = decide(observed, self._clock(), self._settings)
        if plan is None:
            return None
        written = await self._write(raw, run, plan)
        if await self._act(key, written, observed, plan):
            return 0.0
        ended = plan.status.phase is not None and plan.status.phase.finished
        if ended:
            self._predictors.pop(key, None)
            return None
        # A new run's record is all that the first look writes: its Job follows at once.
        return 0.0 if plan.status.phase != run.status.phase else self._poll

    @property
    def _poll(self) -> float:
        return self._settings.poll.total_seconds()

    async def _write(self, raw: dict[str, Any], run: TrainingRun, plan: Plan) -> dict[str, Any]:
        """Write the status where it differs, and tell of a transition."""
        status = plan.status.to_json()
        if status == run.status.to_json():
            return raw
        written = await self._cluster.write_status(raw, status)
        key = Key(run.namespace, run.name)
        moment = self._clock()
        if event := events.transition(run, plan.status, plan.reason, moment):
            logger.info("%s/%s: %s", *key, event["message"])
            try:
                await self._cluster.create_event(event)
            except ClusterError as error:  # an Event is a courtesy
                logger.warning("%s/%s: no Event: %s", *key, error)
        return written

    async def _act(self, key: Key, raw: dict[str, Any], observed: Observed, plan: Plan) -> bool:
        """Do the plan's action; a refusal is decided about anew. Return whether it was done."""
        if plan.action is None:
            return False
        try:
            await self._do(key, plan)
        except Refused as error:
            refusal = Refusal(error.message, error.for_good)
            logger.debug("%s/%s: %s", *key, error.message)
            return await self._after_refusal(key, raw, replace(observed, refused=refusal))
        return True

    async def _after_refusal(self, key: Key, raw: dict[str, Any], observed: Observed) -> bool:
        run = TrainingRun.read(raw)
        plan = decide(replace(observed, run=run), self._clock(), self._settings)
        if plan is None:
            return False
        await self._write(raw, run, plan)
        if plan.action is None:
            return False
        await self._do(key, plan)
        return True

    async def _do(self, key: Key, plan: Plan) -> None:
        match plan.action:
            case CreateJob(manifest):
                await self._cluster.create_job(manifest)
            case StopJob(name, why):
                marks = {constants.STOP_REASON: why.reason, constants.STOP_MESSAGE: why.message}
                patch = {"metadata": {"annotations": marks}, "spec": {"suspend": True}}
                await self._cluster.patch_job(key.namespace, name, patch)
            case PatchDeployment(name, body) as patch:
                await self._cluster.patch_deployment(key.namespace, name, body, apply=patch.applies)


def finished(raw: Mapping[str, Any]) -> bool:
    """Say whether a raw TrainingRun has ended."""
    return raw.get("status", {}).get("phase") in {"Succeeded", "Failed"}
