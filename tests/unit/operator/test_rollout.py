"""From a staged version to one that runs in every pod, or back."""

from tests.unit.operator.builders import (
    MODEL,
    NOW,
    PREDICTOR,
    UID,
    Object,
    a_deployment,
    a_run,
    look,
    look_again,
    ready_pod,
    refusal,
    rolling,
    staged,
    time,
    waiting_pod,
)
from trainer_operator.models import TrainingRun
from trainer_operator.reconcile import Hold, LetGo, PatchDeployment, Plan
from trainer_operator.reconcile.rollout import before

FINALIZERS = ["training.sensors.dev/rollout"]
RUN = a_run(PREDICTOR, staged(), finalizers=FINALIZERS)
ROLLING = a_run(PREDICTOR, rolling())
VERSION = {
    "training.sensors.dev/model-name": MODEL,
    "training.sensors.dev/model-version": "2",
}


def patch(plan: Plan) -> PatchDeployment:
    assert isinstance(plan.action, PatchDeployment)
    return plan.action


def test_the_claim_and_the_version_go_on_in_one_apply() -> None:
    plan = look(RUN, deployment=a_deployment("1"))
    assert patch(plan).applies
    assert patch(plan).body == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "sensor-predictor",
            "namespace": "plant",
            "uid": "uid-deployment",
            "resourceVersion": "7",
            "annotations": {
                **VERSION,
                "training.sensors.dev/run": UID,
                "training.sensors.dev/previous-version": "1",
            },
        },
        "spec": {"template": {"metadata": {"annotations": VERSION}}},
    }
    assert plan.status.rollout is not None
    assert plan.status.rollout.from_version == "1"
    assert plan.status.rollout.start_time is None  # that is when the claim is seen
    assert plan.status.phase == "RollingOut"


def test_without_a_version_before_the_alias_tells_where_to_go_back_to() -> None:
    bare = look(RUN, deployment=a_deployment())
    assert (
        "training.sensors.dev/previous-version" not in patch(bare).body["metadata"]["annotations"]
    )
    decision = {
        "outcome": "Staged",
        "reason": "r",
        "message": "m",
        "champion": {"version": "5"},
    }
    run = a_run(PREDICTOR, staged(decision=decision), finalizers=FINALIZERS)
    plan = look(run, deployment=a_deployment())
    assert plan.status.rollout is not None
    assert plan.status.rollout.from_version == "5"


def test_the_run_is_held_before_anything_is_claimed() -> None:
    plan = look(a_run(PREDICTOR, staged()), deployment=a_deployment("1"))
    assert plan.action == Hold()
    assert plan.status == RUN.status


def test_the_hold_goes_before_the_run_ends() -> None:
    plan = look(RUN)  # its Deployment is gone
    assert (plan.action, plan.status) == (LetGo(), RUN.status)
    assert look(a_run(PREDICTOR, staged())).status.phase == "Failed"


def test_another_runs_claim_is_waited_for() -> None:
    deployment = a_deployment("1", claim="another")
    plan = look(RUN, deployment=deployment, rival="earlier")
    assert plan.action is None
    assert plan.reason == "RolloutQueued"
    assert "earlier" in str(plan.status.message)
    assert plan.status.rollout is None


def test_the_claim_of_a_run_that_is_gone_is_taken_over_with_what_was_proven() -> None:
    deployment = a_deployment("9", claim="gone", previous="1")
    plan = look(RUN, deployment=deployment)
    assert plan.status.rollout is not None
    assert plan.status.rollout.from_version == "1"
    assert patch(plan).applies


def test_an_older_version_does_not_replace_a_newer_one() -> None:
    plan = look(a_run(PREDICTOR, staged()), deployment=a_deployment("10"))  # not as text
    assert plan.action is None
    assert plan.status.phase == "Succeeded"
    assert plan.status.decision is not None
    assert plan.status.decision.outcome == "Superseded"
    assert "10" in plan.status.decision.message


def test_a_refused_claim_fails_the_run() -> None:
    plan = look(RUN, deployment=a_deployment("1"), refused=refusal("conflict with kubectl"))
    assert plan.status.phase == "Failed"
    assert plan.reason == "ClaimRefused"
    assert "conflict with kubectl." in str(plan.status.message)
    assert plan.action == LetGo()  # after the end is written: nothing would find it again
    free = a_run(PREDICTOR, staged())
    assert look(free, deployment=a_deployment("1"), refused=refusal()).action is None


def test_the_claim_that_is_seen_starts_the_clock() -> None:
    plan = look(RUN, deployment=a_deployment("2", claim=UID, previous="1"))
    assert plan.status.rollout is not None
    assert plan.status.rollout.start_time == NOW
    assert plan.status.rollout.from_version == "1"
    again = look(ROLLING, deployment=a_deployment("2", claim=UID, previous="1"))
    assert again.status.rollout is not None
    assert again.status.rollout.start_time == ROLLING.status.rollout.start_time  # type: ignore[union-attr]
    assert again.reason == "RollingOut"


def test_a_version_in_every_pod_goes_on_to_its_proof() -> None:
    deployment = a_deployment("2", ready_pod(), claim=UID, previous="1")
    plan = look(ROLLING, deployment=deployment)
    assert plan.status.phase == "Promoting"
    assert plan.status.rollout is not None
    assert plan.status.rollout.ready == 1


def test_proven_is_looked_at_before_timed_out() -> None:
    late = a_run(PREDICTOR, rolling(seconds=9999))
    deployment = a_deployment("2", ready_pod(), claim=UID, previous="1")
    assert look(late, deployment=deployment).status.phase == "Promoting"


def test_what_is_not_proven_in_time_is_recorded_and_then_restored() -> None:
    late = a_run(PREDICTOR, rolling(seconds=300))
    pod = waiting_pod("CrashLoopBackOff", "back-off", version="2")
    deployment = a_deployment("2", pod, claim=UID, previous="1")
    plan = look(late, deployment=deployment)
    assert plan.action is None
    assert plan.status.phase == "RollingOut"
    assert plan.status.decision is not None
    assert plan.status.decision.outcome == "RolledBack"
    for word in ("5m", "spec.predictor.timeout", "CrashLoopBackOff", "back to version 1"):
        assert word in plan.status.decision.message
    restore = look_again(late, plan, deployment=deployment)
    assert restore.status == plan.status
    assert patch(restore).applies
    annotations = patch(restore).body["metadata"]["annotations"]
    assert annotations["training.sensors.dev/model-version"] == "1"
    assert "training.sensors.dev/run" not in annotations
    end = look_again(late, plan, deployment=a_deployment("1"))
    assert end.status.phase == "Failed"
    assert end.reason == "NotProven"
    assert end.status.message == plan.status.decision.message


def test_just_before_the_timeout_it_goes_on() -> None:
    run = a_run(PREDICTOR, rolling(seconds=299))
    plan = look(run, deployment=a_deployment("2", claim=UID, previous="1"))
    assert plan.reason == "RollingOut"


def test_a_version_changed_by_somebody_else_is_left_alone() -> None:
    for deployment in (
        a_deployment("9", claim=UID, previous="1"),
        a_deployment("2", claim=UID, previous="1", template="9"),
    ):
        plan = look(ROLLING, deployment=deployment)
        assert not patch(plan).applies
        assert patch(plan).body == {
            "metadata": {
                "resourceVersion": "7",
                "annotations": {
                    "training.sensors.dev/run": None,
                    "training.sensors.dev/previous-version": None,
                },
            }
        }
        end = look_again(ROLLING, plan, deployment=a_deployment("9"))
        assert end.status.phase == "Failed"
        assert end.reason == "Conflict"


def test_a_claim_that_was_taken_away_is_a_conflict() -> None:
    plan = look(ROLLING, deployment=a_deployment("2"))
    assert plan.action is None
    assert plan.reason == "Conflict"


def test_a_deployment_that_is_gone_fails_the_run() -> None:
    plan = look(ROLLING)
    assert plan.status.phase == "Failed"
    assert plan.reason == "DeploymentMissing"
    assert plan.status.model is not None
    assert time() not in str(plan.status.message)


def test_a_run_that_waits_longer_comes_first() -> None:
    plan = look(RUN, deployment=a_deployment("1"), before="earlier")
    assert plan.action is None
    assert plan.reason == "RolloutQueued"
    assert "earlier" in str(plan.status.message)


def waiting(name: str, since: float, spec: Object = PREDICTOR, **more: object) -> TrainingRun:
    trained = {
        "type": "Trained",
        "status": "True",
        "reason": "Registered",
        "observedGeneration": 1,
        "lastTransitionTime": time(since),
    }
    status = staged(**{"conditions": [trained], **more})  # type: ignore[arg-type]
    return a_run(spec, status, name=name, uid=f"uid-{name}")


def test_those_that_wait_come_in_the_order_in_which_they_were_trained() -> None:
    first, second, third = waiting("b", 30), waiting("c", 20), waiting("a", 20)
    runs = [second, third, first]
    assert before(first, runs) is None
    assert before(second, runs) == "b"
    assert before(third, [second, third]) is None  # the same second: by uid
    assert before(second, [second, third]) == "a"


def test_only_those_that_wait_for_the_same_count() -> None:
    run = waiting("mine", 10)
    elsewhere: Object = {"predictor": {"deployment": "another"}}
    others = [
        waiting("elsewhere", 30, elsewhere),
        waiting("nowhere", 30, {}),
        waiting("held", 30, PREDICTOR | {"suspend": True}),
        waiting("begun", 30, rollout=rolling()["rollout"]),
        waiting("over", 30, decision={"outcome": "RolledBack", "reason": "r", "message": "m"}),
        waiting("next", 30, phase="Promoting"),
        waiting("leaving", 30).model_copy(update={"deleting": True}),
        waiting("apart", 30).model_copy(update={"namespace": "other"}),
    ]
    assert before(run, [run, *others]) is None
    assert before(run, [run, *others, waiting("same", 30)]) == "same"


NAMED: Object = PREDICTOR | {"source": {"modelVersion": "2"}}


def test_a_named_version_replaces_a_newer_one() -> None:
    run = a_run(NAMED, staged(), finalizers=FINALIZERS)
    plan = look(run, deployment=a_deployment("10"))
    assert patch(plan).applies
    assert plan.status.rollout is not None
    assert plan.status.rollout.from_version == "10"


def test_a_named_version_that_waited_does_not_replace_what_came_meanwhile() -> None:
    run = a_run(NAMED, staged(), finalizers=FINALIZERS)
    queued = look(run, deployment=a_deployment("9", claim="x", previous="5"), rival="other")
    assert queued.reason == "RolloutQueued"
    late = look_again(a_run(NAMED), queued, deployment=a_deployment("9"))
    assert late.status.phase == "Succeeded"
    assert late.status.decision is not None
    assert (late.status.decision.outcome, late.reason) == ("Superseded", "VersionChangedMeanwhile")
    assert "version 9 is, and 5 was" in late.status.decision.message
    restored = look_again(run, queued, deployment=a_deployment("5"))
    assert patch(restored).applies


def test_where_nothing_runs_nobody_is_waited_for() -> None:
    deployment = a_deployment("2", claim=UID, previous="1", replicas=0)
    plan = look(ROLLING, deployment=deployment)
    assert plan.status.phase == "Promoting"
    assert plan.status.rollout is not None
    assert plan.status.rollout.replicas == 0
    leaving = a_deployment("2", claim=UID, previous="1", replicas=0, status={"replicas": 1})
    assert look(ROLLING, deployment=leaving).status.phase == "RollingOut"
    unseen = a_deployment("2", claim=UID, replicas=0, status={"observedGeneration": 2})
    assert look(ROLLING, deployment=unseen).status.phase == "RollingOut"
