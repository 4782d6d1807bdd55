"""Handlers only parse and call; kopf is kept from writing anything."""

import asyncio
from typing import Any, cast

import kopf
import pytest

from tests.unit.operator.builders import raw_run
from trainer_operator.handlers import registry, startup, watch
from trainer_operator.reconciler import Key, Reconciler


class Recorder:
    """A reconciler that only writes down whom it was to look at."""

    def __init__(self) -> None:
        self.woken: list[object] = []

    def wake(self, key: Key) -> None:
        self.woken.append(key)

    def wake_predictor(self, namespace: str, deployment: str) -> None:
        self.woken.append((namespace, deployment))


@pytest.fixture
def memo() -> kopf.Memo:
    return kopf.Memo(reconciler=Recorder())


async def call(handler: Any, **arguments: Any) -> None:
    """Call a handler with the arguments that it uses; kopf gives it many more."""
    await handler(**arguments)


async def run_changed(memo: kopf.Memo, phase: str | None) -> list[Any]:
    body = raw_run(status={"phase": phase} if phase else None)
    await call(watch.run_changed, name="nightly", namespace="plant", body=body, memo=memo)
    woken: list[Any] = memo.reconciler.woken
    return woken


@pytest.mark.parametrize("phase", [None, "Pending", "RollingOut"])
async def test_a_run_that_goes_on_is_looked_at(memo: kopf.Memo, phase: str | None) -> None:
    assert await run_changed(memo, phase) == [Key("plant", "nightly")]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_a_run_that_ended_is_not(memo: kopf.Memo, phase: str) -> None:
    assert await run_changed(memo, phase) == []


async def test_a_job_and_its_pods_wake_their_run(memo: kopf.Memo) -> None:
    ours = {"training.sensors.dev/run-name": "nightly"}
    await call(watch.job_changed, namespace="plant", annotations=ours, memo=memo)
    await call(watch.job_changed, namespace="plant", annotations={}, memo=memo)
    assert memo.reconciler.woken == [Key("plant", "nightly")]


async def test_a_deployment_wakes_by_its_name(memo: kopf.Memo) -> None:
    await call(watch.deployment_changed, name="d", namespace="plant", memo=memo)
    assert memo.reconciler.woken == [("plant", "d")]


def test_kopf_watches_only_what_is_ours_and_posts_nothing() -> None:
    settings = kopf.OperatorSettings()
    startup.configure(settings)
    assert settings.posting.enabled is False
    assert settings.scanning.disabled is True
    selectors = settings.watching.label_selectors
    assert set(selectors.values()) == {"app.kubernetes.io/managed-by=trainer-operator"}
    assert settings.networking.request_timeout is not None
    assert settings.networking.request_timeout < 60


def test_no_handler_makes_kopf_write_to_objects() -> None:
    handlers = registry()
    assert not handlers._changing.get_all_handlers()
    assert not handlers._spawning.get_all_handlers()
    watched = {
        handler.selector.any_name
        for handler in handlers._watching.get_all_handlers()
        if handler.selector
    }
    assert watched == {"trainingruns", "jobs", "pods", "deployments"}


async def test_nothing_ends_the_resync(caplog: pytest.LogCaptureFixture) -> None:
    looks: asyncio.Queue[None] = asyncio.Queue()

    class Broken:
        async def resync(self) -> None:
            looks.put_nowait(None)
            raise ValueError("no JSON")

    task = asyncio.create_task(startup.resync(cast("Reconciler", Broken()), 0))
    for _ in range(3):
        await asyncio.wait_for(looks.get(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "no JSON" in caplog.text
