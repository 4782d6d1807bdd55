"""What is left to be done for a run that ended."""

from datetime import timedelta

import pytest

from tests.unit.operator.builders import (
    NOW,
    SETTINGS,
    Object,
    a_job,
    a_run,
    admitted,
    look,
    time,
)
from trainer_operator import constants
from trainer_operator.observed import Observed
from trainer_operator.reconcile import DeleteJob, DeleteRun, LetGo, decide

KEPT: Object = {"ttlAfterFinished": "1h"}


def over(seconds: float = 60, phase: str = "Succeeded") -> Object:
    return admitted(phase, completionTime=time(seconds))


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_run_without_a_time_stays(phase: str) -> None:
    assert decide(Observed(a_run(status=over(1e9, phase))), NOW, SETTINGS) is None


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_run_is_deleted_when_its_time_is_over(phase: str) -> None:
    early = a_run(KEPT, over(3599, phase))
    plan = look(early)
    assert (plan.action, plan.again) == (None, timedelta(seconds=1))
    late = a_run(KEPT, over(3600, phase))
    assert look(late).action == DeleteRun()
    assert look(late).status == late.status


def test_a_run_that_goes_on_is_never_deleted() -> None:
    run = a_run({"ttlAfterFinished": "1s"}, admitted("Running"))
    assert not isinstance(look(run).action, DeleteRun)


def test_its_finalizer_goes_first() -> None:
    run = a_run(KEPT, over(9999), finalizers=[constants.FINALIZER])
    assert look(run).action == LetGo()


@pytest.mark.parametrize("task", ["train", "promote", "recall"])
def test_a_job_that_goes_on_without_it_is_deleted(task: str) -> None:
    run = a_run(status=over())
    plan = look(run, **{task: a_job()})
    assert plan.action == DeleteJob("nightly-train-1", "uid-job")
    assert plan.status == run.status


@pytest.mark.parametrize(
    "job",
    [
        a_job(complete=True),
        a_job(failed="BackoffLimitExceeded"),
        a_job(owner="another"),
        a_job(deletionTimestamp=time()),
        a_job(annotations={"training.sensors.dev/stop-reason": "ImagePullBackOff"}),
    ],
)
def test_a_job_that_ended_or_is_not_its_own_is_left_alone(job: object) -> None:
    assert decide(Observed(a_run(status=over()), train=job), NOW, SETTINGS) is None  # type: ignore[arg-type]
