"""Which step a run is at."""

import pytest

from tests.unit.operator.builders import (
    NOW,
    SETTINGS,
    a_job,
    a_run,
    admitted,
    look,
    running_pod,
    time,
)
from trainer_operator.models import Phase
from trainer_operator.observed import Observed
from trainer_operator.reconcile import decide
from trainer_operator.reconcile.decide import _STEPS


def test_every_phase_leads_somewhere() -> None:
    finished = {phase for phase in Phase if phase.finished}
    assert set(_STEPS) | finished | {Phase.SUSPENDED} == {None, *Phase}


@pytest.mark.parametrize("phase", ["Queued", "Suspended"])
def test_a_run_that_waited_is_admitted_when_it_starts(phase: str) -> None:
    plan = look(a_run(status={"observedGeneration": 1, "phase": phase}))
    assert (plan.status.phase, plan.reason) == ("Pending", "Admitted")
    assert plan.status.as_of == NOW


def test_a_run_that_was_held_goes_on_with_the_same_records() -> None:
    run = a_run(status=admitted("Suspended"))
    plan = look(run, train=a_job(running_pod()))
    assert (plan.status.phase, plan.reason) == ("Running", "JobRunning")
    assert plan.status.as_of == run.status.as_of
    assert plan.status.job is not None
    assert plan.status.job.uid == "uid-job"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_run_that_ended_is_left_alone(phase: str) -> None:
    assert decide(Observed(a_run(status=admitted(phase))), NOW, SETTINGS) is None


def test_a_run_that_is_deleted_is_not_brought_forward() -> None:
    run = a_run(status=admitted("Running"), deletionTimestamp=time())
    assert decide(Observed(run), NOW, SETTINGS) is None
