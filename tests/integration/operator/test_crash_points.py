"""The operator killed before and after each of its writes: the end is that of a calm run.

A calm run says which writes there are. At each, the operator is killed before the API server
has got it and, in another run, right after, without an answer; it is then started again, as the
kubelet would. All is real but the nodes: API server, controllers, job, database and MLflow.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import pytest

from hack.cluster.controlplane import ControlPlane
from tests.integration.operator.whole import Site, Works, works
from tests.support.postgres import PostgresServer
from tests.support.proxy import Trap, numbered

pytestmark = pytest.mark.timeout(900)

_AT_ONCE = 4
_TRIES = 3
"""How often a point is tried that a run may pass by: two states became one write."""
_SAMPLES = 4


class Point(NamedTuple):
    """A write, by its name and how often it was there before, and the side to die on."""

    name: str
    occurrence: int
    after: bool

    def __str__(self) -> str:
        side = "after" if self.after else "before"
        return f"{side} {self.name} ({self.occurrence})"

    def set(self, site: Site, kill: Callable[[], object]) -> Trap:
        """Have the operator killed at this point."""
        proxy = site.proxy
        return (proxy.kill_after if self.after else proxy.kill_before)(
            self.name, self.occurrence, kill
        )


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


@pytest.fixture(scope="module")
def calm(premises: Works) -> list[list[str]]:
    """Names of the writes of two runs that nobody disturbs."""

    def run(_: int) -> list[str]:
        with premises.site() as site:
            uid = site.apply()
            site.finish()
            assert site.faults(uid) == []
            return site.proxy.writes

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, range(2)))


def points(names: Sequence[str]) -> list[Point]:
    return [Point(*each, after) for each in numbered(list(names)) for after in (False, True)]


def side_by_side(work: Callable[[Point], str], chosen: Iterable[Point]) -> list[str]:
    """Return what went wrong at the points, a few of them tried at the same time."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [fault for fault in pool.map(work, chosen) if fault]


def attempt(
    premises: Works, point: Point, kill: Callable[[Site], object], attempts: int | None = 1
) -> tuple[str, bool]:
    """Return what is wrong after a run that is disturbed at a point, and whether it was."""
    with premises.site() as site:
        trap = point.set(site, partial(kill, site))
        uid = site.apply()
        try:
            run = site.finish()
        except AssertionError as error:
            return f"{point}: {error}", trap.fired.is_set()
        faults = site.faults(uid)
        if attempts and run["status"].get("attempts") != attempts:
            faults.append(f"attempts: {run['status'].get('attempts')}")
        if faults:
            faults += ["writes:", *site.proxy.writes, site.operator.tail()]
            return f"{point}: " + "\n  ".join(faults), trap.fired.is_set()
        return "", trap.fired.is_set()


def end(site: Site) -> None:
    site.operator.kill()


def test_n_is_what_a_clean_run_writes(calm: list[list[str]]) -> None:
    one, other = calm
    assert set(one) == set(other)
    made = [name for name in one if name.startswith(("POST jobs", "PATCH deployments"))]
    assert made == [
        "POST jobs train",
        "PATCH deployments claim",
        "POST jobs promote",
        "PATCH deployments release",
    ]
    assert one.count("PUT trainingruns/status Succeeded Promoted") == 1


def test_every_crash_point(premises: Works, calm: list[list[str]]) -> None:
    begun = time.monotonic()
    certain = set(points(calm[0])) & set(points(calm[1]))
    every = sorted(set(points(calm[0])) | set(points(calm[1])))
    hit: list[Point] = []

    def work(point: Point) -> str:
        for _ in range(_TRIES):
            fault, fired = attempt(premises, point, end)
            if fired:
                hit.append(point)
            if fault or fired:
                return fault
        return f"{point}: no run came there" if point in certain else ""

    faults = side_by_side(work, every)
    seconds = time.monotonic() - begun
    print(f"n = {len(every) // 2} writes, {len(hit)} points, {seconds:.0f} s")
    assert not faults, "\n".join(faults)
    missed = {each[::2] for each in every} - {each[::2] for each in hit}
    assert not missed, f"no run was ended at {missed}"


def test_two_kills(premises: Works, calm: list[list[str]]) -> None:
    chance = seeded()
    chosen = chance.sample(points(calm[0]), _SAMPLES)
    second = {point: Point("", chance.randint(1, 3), chance.random() < 0.5) for point in chosen}
    starts: list[int] = []

    def kill(site: Site, point: Point) -> None:
        site.operator.kill()
        second[point].set(site, site.operator.kill)

    def work(point: Point) -> str:
        fault, fired = attempt(premises, point, lambda site: kill(site, point))
        starts.append(fired)
        return fault and f"then {second[point]}: {fault}"

    faults = side_by_side(work, chosen)
    assert not faults, "\n".join(faults)
    assert any(starts)


def test_operator_and_pod_killed(premises: Works, calm: list[list[str]]) -> None:
    # While a Job is known and its pod runs: the kubelet ends that with the operator.
    busy = [
        point
        for point in points(calm[0])
        if point.name.endswith(("status Running", "status Promoting Staged", "jobs promote"))
    ]
    chosen = seeded().sample(busy, _SAMPLES)
    killed: list[int] = []

    def kill(site: Site) -> None:
        site.operator.kill()
        killed.append(premises.kubelet.kill(site.namespace))

    def work(point: Point) -> str:
        return attempt(premises, point, kill, attempts=None)[0]

    faults = side_by_side(work, chosen)
    assert not faults, "\n".join(faults)
    assert killed


def seeded() -> random.Random:
    """Return chance that can be had again: the seed is in the output of a test that fails."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)  # noqa: S311 - nothing is secret
