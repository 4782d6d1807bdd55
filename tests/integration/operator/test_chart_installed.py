"""The chart on a real API server: what it installs, and what its operator may do there."""

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.controlplane import ControlPlane
from hack.cluster.errors import ClusterError
from hack.demo import stack
from hack.kubectl import Kubectl
from tests.support import chart, crd

PLANT, ELSEWHERE = "chart-plant", "chart-elsewhere"
OPERATOR = f"system:serviceaccount:{stack.SYSTEM}:trainer-operator"
RIGHTS = {
    "trainingruns.training.sensors.dev": "get list watch patch delete",
    "trainingruns.training.sensors.dev/status": "update",
    "jobs.batch": "create get list watch patch delete",
    "pods": "get list watch",
    "pods/log": "get",
    "deployments.apps": "get list watch patch",
    "replicasets.apps": "get list watch",
    "events": "create list",
}


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    kubectl = crd.install(control_plane, PLANT)
    kubectl("create", "namespace", ELSEWHERE)
    return kubectl


def install(kubectl: Kubectl, source: Path, *values: str) -> str:
    return chart.helm(
        *("upgrade", "--install", chart.RELEASE, source, f"--kubeconfig={kubectl.kubeconfig}"),
        *(f"--namespace={stack.SYSTEM}", "--create-namespace"),
        "--take-ownership",  # other tests apply the resource without the chart
        *(f"--set={value}" for value in values),
    )


def uninstall(kubectl: Kubectl) -> None:
    chart.helm(
        *("uninstall", chart.RELEASE, f"--kubeconfig={kubectl.kubeconfig}"),
        *(f"--namespace={stack.SYSTEM}", "--ignore-not-found"),
    )


@pytest.fixture
def installed(kubectl: Kubectl) -> Iterator[Kubectl]:
    """The chart as it is without any values."""
    install(kubectl, chart.CHART)
    yield kubectl
    uninstall(kubectl)


def rights(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    """Return everything that the operator may do in a namespace and other accounts may not."""
    common = rules(kubectl, namespace, f"system:serviceaccount:{stack.SYSTEM}:other")
    return dict(sorted(rules(kubectl, namespace, OPERATOR).items() - common.items()))


def rules(kubectl: Kubectl, namespace: str, account: str) -> dict[str, str]:
    table = kubectl.within(namespace)("auth", "can-i", "--list", f"--as={account}", "--no-headers")
    return dict(re.findall(r"^(\S+) +\[\] +\[\] +\[(.*)\]$", table, re.MULTILINE))


def test_may_do_what_it_needs_everywhere_and_nothing_else(
    control_plane: ControlPlane, installed: Kubectl
) -> None:
    # The API server takes a moment to learn of new rights.
    control_plane.wait("the operator's rights", lambda: rights(installed, PLANT))
    for namespace in (PLANT, ELSEWHERE, "kube-system"):
        assert rights(installed, namespace) == RIGHTS
    for namespace in (PLANT, "kube-system"):
        assert may(installed, "patch", "deployments", namespace)  # so the question is a real one
        assert not may(installed, "get", "secrets", namespace)


def test_may_do_it_in_the_watched_namespaces_alone(
    control_plane: ControlPlane, kubectl: Kubectl
) -> None:
    control_plane.wait("no rights of before", lambda: not rights(kubectl, ELSEWHERE))
    install(kubectl, chart.CHART, f"watchNamespaces={{{PLANT}}}")
    try:
        control_plane.wait("the operator's rights", lambda: rights(kubectl, PLANT))
        assert rights(kubectl, PLANT) == RIGHTS
        assert rights(kubectl, ELSEWHERE) == {}
    finally:
        uninstall(kubectl)


def may(kubectl: Kubectl, verb: str, resource: str, namespace: str) -> bool:
    argv = kubectl.within(namespace).argv("auth", "can-i", verb, resource, f"--as={OPERATOR}")
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert answer.stdout.strip() in {"yes", "no"}, answer.stderr
    return answer.stdout.strip() == "yes"


def pod(kubectl: Kubectl, spec: dict[str, Any]) -> str:
    """Ask the API server to take a pod of the operator in a restricted namespace."""
    document = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "operator", "namespace": stack.SYSTEM},
        "spec": spec,
    }
    return kubectl.within(stack.SYSTEM)(
        "apply", "--dry-run=server", "--filename", "-", stdin=json.dumps(document)
    )


def test_the_pod_passes_the_restricted_standard(installed: Kubectl) -> None:
    installed(
        *("label", "namespace", stack.SYSTEM, "--overwrite"),
        "pod-security.kubernetes.io/enforce=restricted",
    )
    spec = chart.deployment()["spec"]["template"]["spec"]
    assert "created" in pod(installed, spec)
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    lax = copy.deepcopy(spec)
    lax["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(ClusterError, match="violates PodSecurity"):  # so the question is a real one
        pod(installed, lax)


def test_the_notes_say_what_to_do_next(kubectl: Kubectl) -> None:
    notes = install(kubectl, chart.CHART, f"watchNamespaces={{{PLANT}}}")
    uninstall(kubectl)
    assert f"serves the TrainingRuns of the namespaces {PLANT}." in notes
    assert "create secret generic trainer-database" in notes
    assert "http://mlflow:5000" in notes
    run = notes.partition("<<'END'\n")[2].partition("   END\n")[0]
    assert "created" in kubectl("apply", "--dry-run=server", "--filename", "-", stdin=run)


def test_an_upgrade_takes_the_resource_along_and_an_uninstall_leaves_it(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    older = shutil.copytree(chart.CHART, tmp_path / "older")
    definition = crd.load()
    (version,) = definition["spec"]["versions"]
    gone = version["additionalPrinterColumns"].pop()
    (older / "files" / crd.FILE.name).write_text(yaml.safe_dump(definition))
    install(kubectl, older)
    assert gone["name"] not in columns(kubectl)
    kubectl.apply(crd.manifest("kept", {}))

    install(kubectl, package(tmp_path))
    assert gone["name"] in columns(kubectl)

    uninstall(kubectl)
    assert kubectl.get("trainingrun", "kept")["metadata"]["name"] == "kept"
    left = kubectl.within(stack.SYSTEM)("get", "deployments", "--output=name")
    assert "trainer-operator" not in left


def columns(kubectl: Kubectl) -> list[str]:
    (version,) = kubectl.get("crd", crd.NAME)["spec"]["versions"]
    return [column["name"] for column in version["additionalPrinterColumns"]]


def package(folder: Path) -> Path:
    """Make the file that a chart repository would serve."""
    chart.helm("package", chart.CHART, f"--destination={folder}")
    (file,) = folder.glob("*.tgz")
    return file
