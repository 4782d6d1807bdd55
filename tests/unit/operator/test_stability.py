"""Whatever is observed, a second look at the same changes nothing."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.operator.builders import (
    MANUAL,
    NOW,
    PREDICTOR,
    SETTINGS,
    UID,
    Object,
    a_deployment,
    a_job,
    a_run,
    admitted,
    awaiting,
    ended_pod,
    failure,
    ready_pod,
    refusal,
    result,
    rolling,
    running_pod,
    staged,
    waiting_pod,
)
from trainer_operator.observed import Observed
from trainer_operator.reconcile import Plan, decide

OUTCOMES = ["Promoted", "Rejected", "Skipped", "Staged", "Superseded"]
PODS = st.one_of(
    st.builds(lambda outcome: ended_pod(0, result(outcome)), st.sampled_from(OUTCOMES)),
    st.builds(
        lambda code: ended_pod(code, failure("Reason")), st.sampled_from([64, 65, 69, 70, 143])
    ),
    st.sampled_from([ended_pod(137, reason="OOMKilled"), ended_pod(0), running_pod("a line")]),
    st.builds(
        lambda reason, age: waiting_pod(reason, "why", age=age),
        st.sampled_from(["ImagePullBackOff", "ContainerCreating"]),
        st.sampled_from([1.0, 9999.0]),
    ),
)
JOBS = st.none() | st.builds(
    lambda pods, end, owner, refused: a_job(*pods, owner=owner, refused=refused, **end),
    st.lists(PODS, max_size=2),
    st.sampled_from(
        [
            {},
            {"complete": True},
            {"failed": "DeadlineExceeded"},
            {"failed": "BackoffLimitExceeded"},
            {"deletionTimestamp": "2026-05-01T12:00:00Z"},
        ]
    ),
    st.sampled_from([UID, "another"]),
    st.sampled_from(["", "no room"]),
)
DEPLOYMENTS = st.none() | st.builds(
    lambda version, template, claim, previous, pods: a_deployment(
        version, *pods, template=template, claim=claim, previous=previous
    ),
    st.sampled_from([None, "1", "2", "9"]),
    st.sampled_from([None, "1", "2"]),
    st.sampled_from([None, UID, "another"]),
    st.sampled_from([None, "1"]),
    st.lists(st.sampled_from([ready_pod(), ready_pod(version="1")]), max_size=2),
)
NEVER = {"policy": "Never"}
APPROVED = {"promotion": {"policy": "Manual", "approvedVersion": "2"}}
WAITING = {"observedGeneration": 1, "phase": "Queued"}
RUNS = st.builds(
    a_run,
    st.sampled_from([{}, PREDICTOR, PREDICTOR | MANUAL, {**PREDICTOR, "promotion": NEVER}]),
    st.sampled_from([None, WAITING, admitted(), admitted("Running"), admitted("Suspended")]),
)
APPROVALS = st.builds(
    a_run,
    st.sampled_from([MANUAL, PREDICTOR | MANUAL, APPROVED, PREDICTOR | APPROVED]),
    st.sampled_from([awaiting(), staged("Promoting")]),
)
ROLLOUTS = st.builds(
    a_run,
    st.just(PREDICTOR),
    st.sampled_from(
        [
            staged(),
            rolling(),
            rolling(9999),
            rolling(phase="Promoting"),
            rolling(decision={"outcome": "RolledBack", "reason": "r", "message": "m"}),
            rolling(
                phase="Promoting", decision={"outcome": "Promoted", "reason": "r", "message": "m"}
            ),
        ]
    ),
)
OBSERVED = st.builds(
    Observed,
    RUNS | ROLLOUTS | APPROVALS,
    train=JOBS,
    promote=JOBS,
    deployment=DEPLOYMENTS,
    rival=st.sampled_from([None, "rival"]),
    refused=st.none() | st.builds(lambda good: refusal(for_good=good), st.booleans()),
)


def again(observed: Observed, plan: Plan) -> Plan | None:
    run = observed.run.model_copy(update={"status": plan.status})
    fields: dict[str, Any] = {**observed.__dict__, "run": run}
    return decide(Observed(**fields), NOW, SETTINGS)


def records(status: Object) -> Object:
    kept = ("asOf", "startTime", "effective", "model", "data")
    return {key: status[key] for key in kept if key in status}


@given(OBSERVED)
def test_it_settles(observed: Observed) -> None:
    """At most a few looks lead to one that writes nothing and does the same."""
    plan = decide(observed, NOW, SETTINGS)
    for _ in range(6):
        assert plan is not None
        following = again(observed, plan)
        if following is None or (
            following.status == plan.status and following.action == plan.action
        ):
            return
        plan = following
    raise AssertionError("it goes on changing with nothing to change for")


@given(OBSERVED)
def test_a_record_is_never_undone(observed: Observed) -> None:
    plan = decide(observed, NOW, SETTINGS)
    assert plan is not None
    before = records(observed.run.status.to_json())
    after = records(plan.status.to_json())
    assert before.items() <= after.items()


@given(OBSERVED)
def test_the_end_leaves_nothing_to_do(observed: Observed) -> None:
    plan = decide(observed, NOW, SETTINGS)
    assert plan is not None
    if plan.status.phase and plan.status.phase.finished:
        assert plan.action is None
        assert plan.status.message
        assert plan.status.completion_time == NOW
        claim = observed.deployment and observed.deployment.claim
        in_rollout = observed.run.status.phase in {"RollingOut", "Promoting"}
        assert not (in_rollout and claim == UID)  # the claim is given back first
