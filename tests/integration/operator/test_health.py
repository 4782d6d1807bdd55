"""The liveness probe: a watch that is dead and does not know shows there."""

import asyncio
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration

from hack.cluster.controlplane import ControlPlane
from tests.support import crd
from tests.support.processes import free_port, wait_for
from trainer_operator import health
from trainer_operator.cluster import Cluster, Session
from trainer_operator.runtime import Runtime
from trainer_operator.settings import Settings

NAMESPACE = "unwatched"


async def connect(kubeconfig: Path) -> Cluster:
    settings = Configuration()
    await config.load_kube_config(str(kubeconfig), client_configuration=settings)
    return Cluster(Session(settings))


def probe(port: int, path: str) -> tuple[int, str]:
    """Return the status and the text of an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def test_a_dead_watch_of_runs_fails_the_liveness_probe(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody hands on what the watch of runs says here, as if it had died without a word."""
    kubectl = crd.install(control_plane, NAMESPACE)
    port = free_port()
    settings = Settings.model_validate(
        {
            "jobImage": "trainer/job:1",
            "namespaces": (NAMESPACE,),
            "resync": "1s",
            "livenessPort": port,
        }
    )
    runtime = Runtime(await connect(control_plane.kubeconfig), settings)
    await runtime.start()
    try:
        assert (await asyncio.to_thread(probe, port, "/healthz"))[0] == 200
        monkeypatch.setattr(health, "_SILENT", 3.0)
        await asyncio.to_thread(kubectl.apply, crd.manifest("unseen", {}))

        def told() -> bool:
            code, text = probe(port, "/healthz")
            return code == 503 and "trainingruns has missed a change" in text

        await asyncio.to_thread(wait_for, told, "the probe fails")
        # All the same, the list has brought the run.
        assert (await asyncio.to_thread(probe, port, "/readyz"))[0] == 200
        jobs = await asyncio.to_thread(kubectl.get, "jobs")
        assert len(jobs["items"]) == 1
    finally:
        await runtime.close()
