"""A real operator process against a real control plane; the tests play kubelet and job."""

import json
from collections.abc import Iterator
from itertools import count

import pytest

from hack.cluster.controlplane import ControlPlane
from hack.kubectl import Kubectl
from tests.integration.operator.plant import Operator, Plant
from tests.support import chart, crd

_ACCOUNT = "operator-under-test"
_numbers = count(1)


@pytest.fixture(scope="module")
def admin(control_plane: ControlPlane) -> Kubectl:
    """kubectl of an administrator, with the CRD installed."""
    return crd.install(control_plane, f"admin-{next(_numbers)}")


@pytest.fixture(scope="module")
def operator(
    control_plane: ControlPlane, admin: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """The operator, with the rights that the chart gives it and no others."""
    kubeconfig = control_plane.service_account_kubeconfig(_ACCOUNT, _ACCOUNT)
    role = chart.render()["ClusterRole", "trainer-operator"]
    admin.apply(account_with(role["rules"]))
    with Operator(kubeconfig, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


@pytest.fixture
def plant(admin: Kubectl, operator: Operator) -> Iterator[Plant]:
    """A new namespace that the operator serves."""
    name = f"plant-{next(_numbers)}"
    admin("create", "namespace", name)
    yield Plant(admin.within(name))
    assert operator.running, operator.tail()
    admin("delete", "namespace", name, "--wait=false")


def account_with(rules: list[dict[str, object]]) -> str:
    """Return the manifests that give the tests' service account some rights everywhere."""
    name = {"name": _ACCOUNT}
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", **name, "namespace": _ACCOUNT}
    items = [
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": name, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": name,
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", **name},
            "subjects": [subject],
        },
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
