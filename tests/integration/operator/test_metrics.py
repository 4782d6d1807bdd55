"""What a running operator tells Prometheus, and what it logs."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.controlplane import ControlPlane
from hack.kubectl import Kubectl
from tests.integration.operator.conftest import account_with
from tests.integration.operator.plant import Plant, result
from tests.integration.operator.process import Operator
from tests.support import chart

NAMESPACE = "measured"


@pytest.fixture(scope="module")
def measured(
    control_plane: ControlPlane, admin: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Operator, Path]]:
    """An operator of one namespace that logs as in a cluster, and the file of its log."""
    kubeconfig = control_plane.service_account_kubeconfig(NAMESPACE, NAMESPACE)
    rules = chart.render(f"watchNamespaces={{{NAMESPACE}}}")[
        "Role", f"{NAMESPACE}/trainer-operator"
    ]
    admin.within(NAMESPACE).apply(account_with(rules["rules"], NAMESPACE, NAMESPACE))
    folder = tmp_path_factory.mktemp("measured")
    settings = {"TRAINER_NAMESPACES": NAMESPACE, "TRAINER_LOG_FORMAT": "json"}
    with Operator(kubeconfig, folder, **settings) as operator:
        yield operator, folder / "operator.log"


def scrape(operator: Operator) -> dict[str, float]:
    """Return the metrics by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/metrics", timeout=10) as page:
        assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        lines = page.read().decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


def test_a_run_shows_in_the_metrics_and_on_every_line_of_its_log(
    admin: Kubectl, measured: tuple[Operator, Path]
) -> None:
    operator, log = measured
    plant = Plant(admin.within(NAMESPACE))
    uid = plant.apply("counted")
    plant.end(message=result(uid, "Rejected"))
    plant.finish("counted")

    def ended() -> bool:
        return scrape(operator).get("trainer_run_seconds_count") == 1

    plant.eventually(ended, "the end of the run in the metrics")
    found = scrape(operator)
    labels = f'decision="Rejected",namespace="{NAMESPACE}",phase="Succeeded"'
    assert found[f"trainer_runs{{{labels}}}"] == 1
    assert found["trainer_leader"] == 1
    assert found["trainer_queue_depth"] == 0
    assert found["trainer_reconcile_seconds_count"] > 0
    calls = 'trainer_api_calls_total{code="201",resource="jobs",verb="post"}'
    assert found[calls] == 1
    ages = {name for name in found if name.startswith("trainer_watch_age_seconds")}
    assert len(ages) == 4

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    own = [line for line in lines if line["logger"] == "trainer_operator.reconciler"]
    assert {(line["namespace"], line["run"], line["uid"]) for line in own} == {
        (NAMESPACE, "counted", uid)
    }
    assert any(line["message"].startswith("Succeeded") for line in own)
