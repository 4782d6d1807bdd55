"""Lists of a real API server, in more pages than one."""

from pathlib import Path

import pytest
from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration

from hack.cluster.controlplane import ControlPlane
from tests.support import crd
from trainer_operator.cluster import Cluster, Session, kinds
from trainer_operator.cluster import client as module


@pytest.mark.parametrize("page", [1, 2, 3, 500])
async def test_every_run_is_found_whatever_a_page_holds(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    namespace = f"pages-of-{page}"
    kubectl = crd.install(control_plane, namespace)
    for name in "abc":
        kubectl.apply(crd.manifest(name, {}))
    monkeypatch.setattr(module, "_PAGE", page)
    cluster = await connect(control_plane.kubeconfig)
    try:
        found = [raw async for raws, _ in cluster.pages(kinds.RUNS, namespace) for raw in raws]
    finally:
        await cluster.close()
    assert [each["metadata"]["name"] for each in found] == ["a", "b", "c"]


async def connect(kubeconfig: Path) -> Cluster:
    settings = Configuration()
    await config.load_kube_config(str(kubeconfig), client_configuration=settings)
    return Cluster(Session(settings))
