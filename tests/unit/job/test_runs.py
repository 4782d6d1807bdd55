"""How the metrics that MLflow shows of a run are brought up to date."""

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import Metric

from trainer_job.contract import TrackingSpec
from trainer_job.registry import runs
from trainer_job.registry.tracking import Tracking

SCORES = st.dictionaries(
    st.sampled_from(["silhouette_score", "macro_f1", "ari"]),
    st.floats(-1, 1, allow_nan=False),
)
MOMENT = 1_000


class Server:
    """As much of MLflow as keeps the metrics of one run."""

    def __init__(self) -> None:
        self.logged: list[Metric] = []

    def get_metric_history(self, run_id: str, name: str) -> list[Metric]:
        return [metric for metric in self.logged if metric.key == name]

    def run(self) -> Any:
        """Return the run: of each metric, the value of the highest step, time and value."""
        shown: dict[str, float] = {}
        for metric in sorted(self.logged, key=lambda each: (each.step, each.timestamp)):
            shown[metric.key] = metric.value
        return SimpleNamespace(
            info=SimpleNamespace(run_id="r"), data=SimpleNamespace(metrics=shown)
        )

    def attempt(self, wanted: Mapping[str, float]) -> list[Metric]:
        tracking = Tracking(self, TrackingSpec(uri="http://mlflow:5000"))
        new = runs.outdated(tracking, self.run(), wanted, MOMENT)
        self.logged += new
        return new


@given(attempts=st.lists(SCORES, min_size=1, max_size=5))
def test_what_is_shown_is_what_the_last_attempt_found(attempts: list[dict[str, float]]) -> None:
    server = Server()
    for wanted in attempts:
        server.attempt(wanted)
    shown = server.run().data.metrics
    assert {name: value for name, value in shown.items() if not math.isnan(value)} == attempts[-1]
    assert set(shown) == {name for wanted in attempts for name in wanted}
    steps = [(metric.key, metric.step) for metric in server.logged]
    assert len(set(steps)) == len(steps)


@given(wanted=SCORES)
def test_what_is_shown_already_is_not_logged_again(wanted: dict[str, float]) -> None:
    server = Server()
    assert len(server.attempt(wanted)) == len(wanted)
    assert server.attempt(wanted) == []
    server.attempt({})
    assert server.attempt({}) == []


def test_a_parameter_contradicts_only_by_another_value() -> None:
    run = SimpleNamespace(data=SimpleNamespace(params={"seed": "42"}))
    assert not runs.contradicts(run, {"seed": 42, "n_clusters": 3})
    assert runs.contradicts(run, {"seed": 43})
