"""What Prometheus reads: counts of what happened, and what is known at the moment of asking."""

import re
import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from trainer_operator import constants
from trainer_operator.cluster import Call
from trainer_operator.models import TrainingRun, TrainingRunStatus
from trainer_operator.store import Store, key_of

_LONG = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
"""Buckets of what takes seconds to hours."""
_SHORT = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
_PATH = re.compile(
    r"^/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/[^/]+(?=/))?/(?P<plural>[^/]+)"
    r"(?:/[^/]+(?:/(?P<part>[^/]+))?)?$"
)


class Heard(Protocol):
    """Something that hears of a kind of objects."""

    @property
    def resource(self) -> str:
        """Return the plural of the kind."""

    @property
    def age(self) -> float:
        """Return since how many seconds nothing was heard."""


class Metrics:
    """All metrics of one operator, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._queue = self._seconds("run_queue", "From a run's creation to its admission.", _LONG)
        self._training = self._seconds(
            "run_training", "From a run's admission to its trained model.", _LONG
        )
        self._rollout = self._seconds("run_rollout", "From a run's claim to its end.", _LONG)
        self._whole = self._seconds("run", "From a run's creation to its end.", _LONG)
        self._looks = self._seconds("reconcile", "One look at a run.", _SHORT)
        self._errors = Counter(
            "trainer_reconcile_errors_total",
            "Looks that came to an error, by its class.",
            ["kind"],
            registry=self._registry,
        )
        self._calls = Counter(
            "trainer_api_calls_total",
            "Requests to the API server; code 0: nobody answered.",
            ["verb", "resource", "code"],
            registry=self._registry,
        )
        self._api = self._seconds("api", "Requests to the API server, but for watches.", _SHORT)

    def _seconds(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"trainer_{name}_seconds", text, buckets=buckets, registry=self._registry)

    def watch(self, state: Collector) -> None:
        """Read something at each scrape."""
        self._registry.register(state)

    def page(self) -> bytes:
        """Return what Prometheus reads."""
        return generate_latest(self._registry)

    def called(self, call: Call) -> None:
        """Count a request to the API server."""
        verb = "watch" if call.watch else call.method.lower()
        self._calls.labels(verb, resource(call.path), str(call.code)).inc()
        if not call.watch:
            self._api.observe(call.seconds)

    def looked(self, began: float) -> None:
        """Note a look at a run that began at a time of the clock `time.perf_counter`."""
        self._looks.observe(time.perf_counter() - began)

    def failed(self, error: Exception) -> None:
        """Count a look that came to an error."""
        self._errors.labels(type(error).__name__).inc()

    def ended(self, run: TrainingRun, status: TrainingRunStatus) -> None:
        """Note how long a run took that has just ended."""
        end, start = status.completion_time, status.start_time
        if end is None:
            return
        self._whole.observe(_between(run.created, end))
        if start is None:
            return
        self._queue.observe(_between(run.created, start))
        trained = [
            each.last_transition_time
            for each in status.conditions
            if each.type == constants.TRAINED and each.status == "True"
        ]
        if trained:
            self._training.observe(_between(start, trained[0]))
        if status.rollout and status.rollout.start_time:
            self._rollout.observe(_between(status.rollout.start_time, end))


def _between(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())


def resource(path: str) -> str:
    """Return the kind of objects that a request is about, as RBAC names it."""
    found = _PATH.match(path)
    if found is None:
        return "other"
    part = found["part"]
    return f"{found['plural']}/{part}" if part else found["plural"]


class State(Collector):
    """What is known at the moment of asking.

    Parameters
    ----------
    store
        What the watches brought.
    waiting
        The keys that wait to be looked at.
    heard
        Who hears of each kind of objects.
    leads
        Whether this operator works: `is_set` of an event, or always.
    """

    def __init__(self, store: Store, waiting: "Sized", heard: Iterable[Heard], leads: "Flag"):
        self._store = store
        self._waiting = waiting
        self._heard = heard
        self._leads = leads

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        yield self._runs()
        ages = GaugeMetricFamily(
            "trainer_watch_age_seconds", "Since the API server was heard.", labels=["resource"]
        )
        oldest: dict[str, float] = {}
        for each in self._heard:
            oldest[each.resource] = max(each.age, oldest.get(each.resource, 0.0))
        for name, age in oldest.items():
            ages.add_metric([name], age)
        yield ages
        leads = "Whether this replica works."
        yield GaugeMetricFamily("trainer_leader", leads, value=float(self._leads.is_set()))
        depth = "Runs that wait to be looked at."
        yield GaugeMetricFamily("trainer_queue_depth", depth, value=len(self._waiting))
        yield self._versions()

    def _runs(self) -> GaugeMetricFamily:
        labels = ["namespace", "phase", "decision"]
        runs = GaugeMetricFamily("trainer_runs", "TrainingRuns that exist.", labels=labels)
        tally = Tally(
            (
                key_of(raw).namespace,
                str(raw["status"].get("phase") or ""),
                str((raw["status"].get("decision") or {}).get("outcome") or ""),
            )
            for raw in self._store.runs
        )
        for place, number in tally.items():
            runs.add_metric(place, number)
        return runs

    def _versions(self) -> GaugeMetricFamily:
        versions = GaugeMetricFamily(
            "trainer_model_version_in_service",
            "The version that a Deployment names.",
            labels=["namespace", "deployment", "model"],
        )
        for raw in self._store.deployments:
            given = raw["metadata"]["annotations"]
            version = given.get(constants.MODEL_VERSION, "")
            if version.isdigit():
                model = given.get(constants.MODEL_NAME, "")
                versions.add_metric([*key_of(raw), model], int(version))
        return versions


class Sized(Protocol):
    """Something with a length."""

    def __len__(self) -> int:
        """Return it."""


class Flag(Protocol):
    """Something that is set or not."""

    def is_set(self) -> bool:
        """Say whether it is."""
