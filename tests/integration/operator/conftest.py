"""A real operator process against a real control plane; the tests play kubelet and job."""

import json
from collections.abc import Iterator
from itertools import count

import pytest

from hack.cluster.controlplane import ControlPlane
from hack.kubectl import Kubectl
from tests.integration.operator.plant import Object, Plant
from tests.integration.operator.process import Operator
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
    admin.apply(account_with(role["rules"], _ACCOUNT))
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


def account_with(rules: list[Object], account: str, namespace: str | None = None) -> str:
    """Return the manifests that give a service account rights in a namespace, or everywhere."""
    group = "rbac.authorization.k8s.io"
    meta = {"name": account, **({"namespace": namespace} if namespace else {})}
    role = "Role" if namespace else "ClusterRole"
    items: list[Object] = [
        {"apiVersion": f"{group}/v1", "kind": role, "metadata": meta, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": f"{role}Binding",
            "metadata": meta,
            "roleRef": {"apiGroup": group, "kind": role, "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": account}],
        },
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
