"""The cause of a failed Job, by its name."""

import pytest

from tests.unit.operator.builders import (
    UID,
    Object,
    a_job,
    a_pod,
    a_run,
    admitted,
    ended_pod,
    failure,
    running_pod,
    waiting_pod,
)
from trainer_job.contract import Failure, Progress, Stage, progress_line
from trainer_operator.observed import Job
from trainer_operator.reconcile.causes import job_failure, predictor_trouble, refusal


def cause(job: Job, field: str = "spec.activeDeadline", **status: object) -> Failure:
    run = a_run(status=admitted("Running", **status))
    return job_failure(job, UID, run.status, field)


@pytest.mark.parametrize("code", [64, 65, 69, 70])
def test_the_jobs_own_words_come_first(code: int) -> None:
    job = a_job(ended_pod(code, failure("BadCredentials", "Wrong.")), failed="BackoffLimitExceeded")
    assert cause(job) == Failure(reason="BadCredentials", message="Wrong.")


@pytest.mark.parametrize(
    "pod",
    [
        ended_pod(137, reason="OOMKilled"),
        ended_pod(128, "container init was OOM-killed (memory limit too low?)", "StartError"),
    ],
)
def test_out_of_memory_names_the_limit(pod: object) -> None:
    job = a_job(pod, failed="BackoffLimitExceeded")  # type: ignore[arg-type]
    why = cause(job)
    assert why.reason == "OOMKilled"
    for word in ("OOMKilled", "40Mi", "spec.job.resources.limits.memory", "pod-1"):
        assert word in why.message


def test_an_exit_without_a_result_shows_the_last_line() -> None:
    pod = ended_pod(1, reason="Error", log=("Traceback", "ModuleNotFoundError: x", " "))
    why = cause(a_job(pod, failed="BackoffLimitExceeded"))
    assert why.reason == "AttemptFailed"
    assert "exit code 1" in why.message
    assert "ModuleNotFoundError: x" in why.message


def test_an_evicted_pod_shows_what_the_kubelet_said() -> None:
    pod = a_pod(phase="Failed", reason="Evicted", message="The node was low on memory")
    why = cause(a_job(pod, failed="BackoffLimitExceeded"))
    assert why.reason == "Evicted"
    assert "Evicted: The node was low on memory." in why.message


def test_the_deadline_comes_before_the_attempt_that_it_ended() -> None:
    job = a_job(ended_pod(143, failure("Terminated", "Asked to end.")), failed="DeadlineExceeded")
    progress: Object = {"stage": "Clustering", "percent": 40, "message": ""}
    why = cause(job, progress=progress)
    assert why.reason == "DeadlineExceeded"
    for word in ("1h", "spec.activeDeadline", "Clustering (40 %)"):
        assert word in why.message
    assert "Asked to end." not in why.message


def test_the_deadline_tells_of_an_earlier_failure() -> None:
    pods = (
        ended_pod(69, failure("DatabaseUnavailable", "No database."), name="a", age=50),
        running_pod(name="b", age=5),
    )
    assert "No database." in cause(a_job(*pods, failed="DeadlineExceeded")).message


def test_the_promote_jobs_deadline_is_the_rollouts() -> None:
    why = cause(a_job(failed="DeadlineExceeded"), "spec.predictor.timeout")
    assert "5m (spec.predictor.timeout)" in why.message


def test_a_job_without_pods_shows_its_condition() -> None:
    why = cause(a_job(failed="BackoffLimitExceeded"))
    assert why.reason == "NoResult"
    assert "BackoffLimitExceeded: m" in why.message


def test_an_attempt_that_was_asked_to_end_says_so_where_nothing_else_is_known() -> None:
    job = a_job(ended_pod(0, failure("Terminated", "Asked to end.")), failed="PodFailurePolicy")
    assert cause(job).reason == "Terminated"


def test_a_predictor_tells_its_trouble_in_its_own_words() -> None:
    waiting = waiting_pod("CrashLoopBackOff", "back-off 20s")
    assert predictor_trouble(waiting) == "pod pod-1: CrashLoopBackOff: back-off 20s."
    crashed = a_pod(
        state={"waiting": {"reason": "CrashLoopBackOff"}},
        last_state={"terminated": {"exitCode": 1}},
        log=("Starting", "RESOURCE_DOES_NOT_EXIST: version 2"),
    )
    assert "Its last line: RESOURCE_DOES_NOT_EXIST: version 2" in predictor_trouble(crashed)
    assert predictor_trouble(running_pod()) == "pod pod-1 is not ready."
    assert predictor_trouble(ended_pod(3)) == "pod pod-1 ended with exit code 3."


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('pods "x" is forbidden: exceeded quota: small, requested: pods=1', "QuotaExceeded"),
        ('pods "x" is forbidden: failed quota: q: must specify memory', "QuotaExceeded"),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest"', "PodSecurityForbidden"),
        ("forbidden: maximum memory usage per Container is 1Gi", "LimitRangeForbidden"),
        ("forbidden: minimum cpu usage per Pod is 1", "LimitRangeForbidden"),
    ],
)
def test_a_refusal_has_its_own_name(said: str, reason: str) -> None:
    why = refusal(said, "a pod of the Job j")
    assert why is not None
    assert why.reason == reason
    for word in (said, "a pod of the Job j"):
        assert word in why.message


def test_a_refusal_that_is_not_known_has_none() -> None:
    assert refusal("the webhook says no", "the Job j") is None


def test_a_disrupted_pod_says_who_took_it_away() -> None:
    taken = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "PreemptionByScheduler",
        "message": "default-scheduler: preempting to accommodate a higher priority pod",
    }
    pod = ended_pod(143, conditions=(taken,))
    why = cause(a_job(pod, failed="BackoffLimitExceeded"))
    assert why.reason == "Evicted"
    assert "PreemptionByScheduler" in why.message


def test_the_last_lines_of_the_log_are_kept_in_the_message() -> None:
    lines = [f"line {number}" for number in range(1, 31)]
    progress = progress_line(Progress(stage=Stage.READING, percent=5))
    for pod in (
        ended_pod(1, log=(*lines, progress, "")),
        ended_pod(137, reason="OOMKilled", log=(*lines, progress)),
    ):
        message = cause(a_job(pod, failed="BackoffLimitExceeded")).message
        assert message.splitlines()[-10:] == lines[-10:]
        assert "line 20\n" not in message
        assert "progress" not in message


def test_long_lines_are_cut() -> None:
    pod = ended_pod(1, log=("ß" * 100_000,) * 50)
    message = cause(a_job(pod, failed="BackoffLimitExceeded")).message
    assert len(message.encode()) < 4096
    assert message.endswith("…")
