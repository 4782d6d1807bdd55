"""The limit of runs that go on at the same time."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.operator.builders import NOW, Object, a_run, admitted, awaiting, look, time
from trainer_operator.models import TrainingRun
from trainer_operator.observed import Observed
from trainer_operator.reconcile import decide
from trainer_operator.reconcile.queueing import ahead
from trainer_operator.settings import Settings

QUEUED: Object = {"observedGeneration": 1, "phase": "Queued"}
LIMITED = Settings(job_image="trainer/job:1", max_concurrent_runs=2)


def waiting(uid: str, age: float, **spec: object) -> TrainingRun:
    return a_run(spec, QUEUED, uid=uid, creationTimestamp=time(age))


def test_a_run_that_comes_too_early_waits_without_a_record() -> None:
    plan = decide(Observed(a_run(), ahead=1), NOW, LIMITED)
    assert plan is not None
    assert (plan.status.phase, plan.reason, plan.action) == ("Queued", "Queued", None)
    assert plan.status.as_of is None
    assert "2" in str(plan.status.message)
    run = a_run(status=plan.status.to_json())
    again = decide(Observed(run, ahead=5), NOW, LIMITED)
    assert again is not None
    assert again.status == plan.status  # its place is not written at each step


def test_it_gets_its_time_when_it_starts() -> None:
    plan = decide(Observed(a_run(status=QUEUED), ahead=0), NOW, LIMITED)
    assert plan is not None
    assert plan.status.phase == "Pending"
    assert plan.status.as_of == NOW


def test_without_a_limit_nobody_waits() -> None:
    assert look(a_run(), ahead=7).status.phase == "Pending"


def test_one_that_was_admitted_does_not_wait_again() -> None:
    plan = decide(Observed(a_run(status=admitted()), ahead=7), NOW, LIMITED)
    assert plan is not None
    assert plan.status.phase == "Pending"
    assert plan.action is not None


def test_places_are_by_creation_then_uid() -> None:
    runs = [waiting("c", 10), waiting("b", 10), waiting("a", 5), waiting("d", 20)]
    going_on = a_run(status=admitted("Running"), uid="x")
    order = {run.uid: ahead(run, [*runs, going_on], 2) for run in runs}
    assert order == {"d": 0, "b": 1, "c": 2, "a": 3}


def test_who_takes_no_place() -> None:
    run = waiting("z", 1)
    others = [
        a_run(status=admitted("Suspended"), uid="held"),
        a_run(status=awaiting(), uid="asked"),
        a_run(status=admitted("Succeeded"), uid="over"),
        a_run(status={"observedGeneration": 1, "phase": "Failed"}, uid="refused"),
        waiting("asleep", 50, suspend=True),
        a_run(uid="leaving", creationTimestamp=time(99), deletionTimestamp=time()),
        a_run({"retry": {"limit": "x"}}, uid="odd", creationTimestamp=time(99)),
    ]
    assert ahead(run, others, 1) == 0
    for phase in ("Pending", "Running", "RollingOut", "Promoting"):
        assert ahead(run, [*others, a_run(status=admitted(phase), uid="busy")], 1) == 1


@given(st.integers(1, 5), st.integers(0, 12), st.integers(0, 7))
def test_never_more_than_the_limit_and_never_fewer_without_need(
    limit: int, waits: int, busy: int
) -> None:
    runs = [waiting(f"w{number}", 60 - number) for number in range(waits)]
    runs += [a_run(status=admitted("Running"), uid=f"b{number}") for number in range(busy)]
    started = [run for run in runs[:waits] if ahead(run, runs, limit) == 0]
    assert len(started) == min(waits, max(0, limit - busy))
    assert started == runs[: len(started)]
