"""A run that is deleted leaves the Deployment as it was, or as it is recorded."""

from typing import Any

import pytest

from tests.unit.operator.builders import (
    NOW,
    PREDICTOR,
    SETTINGS,
    UID,
    Object,
    a_deployment,
    a_job,
    a_run,
    admitted,
    ended_pod,
    failure,
    look,
    look_again,
    refusal,
    result,
    rolling,
    running_pod,
    staged,
    time,
)
from trainer_operator.models import TrainingRun
from trainer_operator.observed import Observed
from trainer_operator.reconcile import CreateJob, LetGo, PatchDeployment, decide

OURS = a_deployment("2", claim=UID, previous="1")
FREE = a_deployment("1")


def leaving(status: Object) -> TrainingRun:
    finalizers = ["training.sensors.dev/rollout"]
    return a_run(PREDICTOR, status, deletionTimestamp=time(), finalizers=finalizers)


ROLLING = leaving(rolling())
PROMOTING = leaving(rolling(phase="Promoting"))


@pytest.mark.parametrize("phase", ["Running", "RollingOut", "Promoting", "Succeeded"])
def test_a_run_that_nothing_holds_is_left_to_the_cluster(phase: str) -> None:
    run = a_run(PREDICTOR, staged(phase), deletionTimestamp=time())
    assert decide(Observed(run, deployment=FREE), NOW, SETTINGS) is None


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        (staged(), {"deployment": FREE}),  # before its claim
        (staged(), {}),
        (rolling(), {"deployment": a_deployment("2", claim="another")}),
        (rolling(), {}),
        (admitted("Suspended"), {}),
        (staged("Succeeded"), {"deployment": OURS}),
    ],
)
def test_where_nothing_is_to_be_settled_it_goes_at_once(
    status: Object, seen: dict[str, Any]
) -> None:
    assert look(leaving(status), **seen).action == LetGo()


def test_a_version_on_its_way_goes_back_before_the_run_goes() -> None:
    recorded = look(ROLLING, deployment=OURS)
    assert recorded.action is None
    assert recorded.status.decision is not None
    assert (recorded.status.decision.outcome, recorded.status.decision.reason) == (
        "RolledBack",
        "RestoredAfterDeletion",
    )
    restored = look_again(ROLLING, recorded, deployment=OURS)
    assert isinstance(restored.action, PatchDeployment)
    annotations = restored.action.body["metadata"]["annotations"]
    assert annotations["training.sensors.dev/model-version"] == "1"
    assert "training.sensors.dev/run" not in annotations
    assert look_again(ROLLING, recorded, deployment=FREE).action == LetGo()


def test_what_somebody_else_changed_stays() -> None:
    theirs = a_deployment("9", claim=UID, previous="1")
    recorded = look(ROLLING, deployment=theirs)
    plan = look_again(ROLLING, recorded, deployment=theirs)
    assert isinstance(plan.action, PatchDeployment)
    assert not plan.action.applies


def test_a_promotion_is_followed_to_its_end() -> None:
    waiting = look(PROMOTING, deployment=OURS, promote=a_job(running_pod()))
    assert (waiting.status.phase, waiting.action) == ("Promoting", None)
    done = a_job(ended_pod(0, result("Promoted")), complete=True)
    decided = look(PROMOTING, deployment=OURS, promote=done)
    assert decided.status.decision is not None
    assert decided.status.decision.outcome == "Promoted"
    released = look_again(PROMOTING, decided, deployment=OURS, promote=done)
    assert isinstance(released.action, PatchDeployment)
    assert not released.action.applies
    free = look_again(PROMOTING, decided, deployment=a_deployment("2"), promote=done)
    assert free.action == LetGo()


def test_a_promotion_that_fails_goes_back() -> None:
    job = a_job(ended_pod(65, failure("WrongPredictions")), failed="PodFailurePolicy")
    decided = look(PROMOTING, deployment=OURS, promote=job)
    restored = look_again(PROMOTING, decided, deployment=OURS, promote=job)
    assert isinstance(restored.action, PatchDeployment)
    assert restored.action.applies


def test_a_promote_job_is_made_since_an_earlier_one_may_have_committed() -> None:
    assert isinstance(look(PROMOTING, deployment=OURS).action, CreateJob)


def test_where_none_can_be_made_the_version_goes_back() -> None:
    """As in a namespace that is deleted: the run must not keep it."""
    recorded = look(PROMOTING, deployment=OURS, refused=refusal("is being terminated"))
    assert recorded.status.decision is not None
    assert recorded.status.decision.reason == "RestoredAfterDeletion"


def test_a_promotion_whose_deployment_is_gone_is_still_followed() -> None:
    done = a_job(ended_pod(0, result("Promoted")), complete=True)
    decided = look(PROMOTING, promote=done)
    assert decided.status.decision is not None
    assert look_again(PROMOTING, decided, promote=done).action == LetGo()
