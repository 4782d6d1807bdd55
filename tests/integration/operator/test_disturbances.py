"""A network and an API server that are as bad as they get: the end is that of a calm run."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hack.cluster.controlplane import ControlPlane
from tests.integration.operator.whole import Site, Works, works
from tests.support import calls
from tests.support.calls import Call, Match, named
from tests.support.postgres import PostgresServer
from tests.support.processes import wait_for

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def premises(
    control_plane: ControlPlane,
    postgres: PostgresServer,
    mlflow_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Works]:
    """What all sites share."""
    with works(control_plane, postgres, mlflow_server, tmp_path_factory.mktemp("works")) as made:
        yield made


@pytest.fixture
def site(premises: Works) -> Iterator[Site]:
    """A namespace with an operator of its own."""
    with premises.site() as site:
        yield site


def assert_as_calm(site: Site, uid: str) -> None:
    run = site.finish()
    assert site.faults(uid) == [], site.operator.tail()
    assert run["status"]["attempts"] == 1
    assert site.operator.running


@contextmanager
def meanwhile(work: Callable[[], object], seconds: float) -> Iterator[None]:
    """Do something again and again until the end of the block."""
    over = threading.Event()

    def again() -> None:
        while not over.wait(seconds):
            work()

    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def test_dropped_watches(site: Site) -> None:
    cut: list[int] = []
    with meanwhile(lambda: cut.append(site.proxy.drop_watches()), 0.5):
        uid = site.apply()
        assert_as_calm(site, uid)
    assert sum(cut) > 0


class Once:
    """Matches each kind of call once; streams of changes never."""

    def __init__(self, match: Match) -> None:
        self._match = match
        self._met: set[str] = set()

    def __call__(self, call: Call) -> bool:
        if call.watch or call.name in self._met or not self._match(call):
            return False
        self._met.add(call.name)
        return True


@pytest.mark.parametrize("code", [409, 429, 500, 503])
def test_answers(site: Site, code: int) -> None:
    wait_for(lambda: site.proxy.calls, "the operator's start")
    match = calls.writes if code == 409 else lambda call: True  # no read has a conflict
    retry_after = 1 if code == 429 else None
    fault = site.proxy.answer(code, Once(match), times=float("inf"), retry_after=retry_after)
    uid = site.apply()
    assert_as_calm(site, uid)
    assert fault.met > 5


def test_slow_answers(site: Site) -> None:
    fault = site.proxy.delay(lambda call: not call.watch, 0.15)
    uid = site.apply()
    assert_as_calm(site, uid)
    assert fault.met > 5


def test_a_write_that_arrives_late(site: Site) -> None:
    release = site.proxy.hold(named("POST jobs train"))
    uid = site.apply()
    asked = named("POST jobs train")

    def repeated() -> bool:
        return len([call for call in site.proxy.calls if asked(call)]) > 1

    wait_for(repeated, "another try, after the first got no answer", 60)
    release()
    assert_as_calm(site, uid)


def test_the_api_server_restarts_meanwhile(premises: Works, site: Site) -> None:
    uid = site.apply()
    site.wait("Running")
    premises.plane.restart_apiserver()
    site.wait("RollingOut", "Promoting", "Succeeded")
    premises.plane.restart_apiserver()
    assert_as_calm(site, uid)


@pytest.mark.parametrize("killed", [False, True], ids=["conflict", "restart"])
def test_06_a_conflict_or_restart_makes_no_second_job(site: Site, killed: bool) -> None:
    """The replaced kind of operator creates a Job again where its status write has failed."""
    fault = site.proxy.answer(409, named("PUT trainingruns/status"), times=3)
    if killed:
        trap = site.proxy.kill_after("POST jobs train", 1, site.operator.kill)
    uid = site.apply()
    assert_as_calm(site, uid)
    assert fault.met == 3
    if killed:
        assert trap.fired.is_set()
        assert site.supervisor.starts == 2
