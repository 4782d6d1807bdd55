"""Many objects: those of others cost nothing, and many runs at once do not wait for each other."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.controlplane import ControlPlane
from hack.kubectl import Kubectl
from tests.integration.operator.conftest import account_with
from tests.integration.operator.plant import KEY, container, result
from tests.integration.operator.process import Operator
from tests.support import chart, crd
from tests.support.processes import wait_for
from tests.support.rest import Rest

pytestmark = pytest.mark.timeout(300)

Object = dict[str, Any]
FOREIGN = 2000
RUNS = 200
TASK = f"{KEY}/task=train"
_numbers = count(1)


@dataclass(frozen=True)
class Site:
    """A namespace, and the operator that serves it and all others."""

    operator: Operator
    kubectl: Kubectl
    rest: Rest

    def path(self, root: str, plural: str) -> str:
        """Return where the objects of a kind are."""
        return f"/{root}/namespaces/{self.kubectl.namespace}/{plural}"

    @property
    def runs(self) -> str:
        """Return where the runs are."""
        return self.path(f"apis/{KEY}/v1alpha1", "trainingruns")

    def pods(self) -> list[Object]:
        """Return the pods of train Jobs."""
        return self.rest.items(self.path("api/v1", "pods"), labelSelector=TASK)

    def jobs(self) -> list[Object]:
        """Return the train Jobs."""
        return self.rest.items(self.path("apis/batch/v1", "jobs"), labelSelector=TASK)

    def create(self, items: list[Object]) -> None:
        """Create many objects at once."""
        document = {"apiVersion": "v1", "kind": "List", "items": items}
        self.kubectl("create", "--filename=-", stdin=json.dumps(document))


@pytest.fixture
def site(control_plane: ControlPlane, admin: Kubectl, tmp_path: Path) -> Iterator[Site]:
    """An operator that serves the whole cluster, with a namespace to fill."""
    name = f"scale-{next(_numbers)}"
    kubeconfig = control_plane.service_account_kubeconfig(name, name)
    role = chart.render()["ClusterRole", "trainer-operator"]
    admin.apply(account_with(role["rules"], name))
    with Operator(kubeconfig, tmp_path, TRAINER_START_TIMEOUT="10m") as operator:
        wait_for(lambda: ready(operator), "the operator is ready")
        yield Site(operator, admin.within(name), Rest(control_plane, "tester"))
    admin("delete", "namespace", name, "--wait=false")


def ready(operator: Operator) -> bool:
    """Say whether everything is known to it."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/readyz") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def memory(operator: Operator) -> float:
    """Return the memory that the process holds, in MiB."""
    lines = Path(f"/proc/{operator.pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def foreign(kind: str) -> Iterator[Object]:
    """Yield objects that have nothing to do with the operator."""
    template: Object = {
        "metadata": {"labels": {"app": "x"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    never = {**template, "spec": {**template["spec"], "restartPolicy": "Never"}}
    selector = {"matchLabels": {"app": "x"}}
    kinds: dict[str, Object] = {
        "Pod": {"apiVersion": "v1", "spec": template["spec"]},
        "Job": {"apiVersion": "batch/v1", "spec": {"suspend": True, "template": never}},
        "Deployment": {
            "apiVersion": "apps/v1",
            "spec": {"replicas": 0, "selector": selector, "template": template},
        },
    }
    for number in range(FOREIGN // len(kinds)):
        yield {**kinds[kind], "kind": kind, "metadata": {"name": f"foreign-{number}"}}


def test_13_foreign_objects_cost_no_memory(site: Site) -> None:
    before = memory(site.operator)
    for kind in ("Pod", "Job", "Deployment"):
        site.create(list(foreign(kind)))
    site.kubectl.apply(crd.manifest("last", {}))
    wait_for(site.pods, "the pod of a run that came after them", 60)
    after = memory(site.operator)
    assert after - before < 8, f"{before:.1f} -> {after:.1f} MiB"


def test_14_a_burst_of_200_runs_keeps_status_close(site: Site) -> None:
    site.create([json.loads(crd.manifest(f"run-{number}", {})) for number in range(RUNS)])
    wait_for(lambda: len(site.pods()) == RUNS, "a pod of each run", 120)
    for pod in site.pods():
        end(site, pod)
    wait_for(lambda: all(map(finished, site.rest.items(site.runs))), "the end of every run", 120)
    runs = {run["metadata"]["name"]: run for run in site.rest.items(site.runs)}
    lags = sorted(
        seconds(runs[job["metadata"]["annotations"][f"{KEY}/run-name"]]) - seconds(job)
        for job in site.jobs()
    )
    assert len(lags) == RUNS
    assert lags[int(0.95 * RUNS)] <= 2, lags  # whole seconds: 1 s and their rounding


def end(site: Site, pod: Object) -> None:
    """End a pod as the kubelet reports it."""
    message = result(pod["metadata"]["labels"][f"{KEY}/run-uid"], "Rejected")
    terminated = {
        "exitCode": 0,
        "reason": "Completed",
        "message": message,
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:01Z",
    }
    states = [container(pod, {"terminated": terminated})]
    status = {"phase": "Succeeded", "containerStatuses": states}
    path = f"{site.path('api/v1', 'pods')}/{pod['metadata']['name']}/status"
    site.rest.merge(path, {"status": status})


def finished(run: Object) -> bool:
    """Say whether a run has ended."""
    return run.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def seconds(raw: Object) -> float:
    """Return when a run or a Job ended."""
    return datetime.fromisoformat(
        raw["status"]["completionTime"].replace("Z", "+00:00")
    ).timestamp()
