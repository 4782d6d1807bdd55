"""Jobs that go through a queue of Kueue."""

import pytest

from tests.unit.operator.builders import (
    MANUAL,
    NOW,
    Object,
    a_job,
    a_run,
    admitted,
    look,
    running_pod,
    staged,
    waiting_pod,
)
from trainer_operator.reconcile import DeleteJob
from trainer_operator.resources.jobs import promote_job, recall_job, train_job

QUEUE = "kueue.x-k8s.io/queue-name"
PRIORITY = "kueue.x-k8s.io/priority-class"
LABELS = {QUEUE: "batch", PRIORITY: "low"}
QUEUED = a_job(suspended=True, labels=LABELS, age=9999)


@pytest.mark.parametrize(
    ("spec", "meta"), [({}, {"labels": LABELS}), ({"job": {"labels": LABELS}}, {})]
)
def test_the_job_is_made_suspended_with_kueues_labels(spec: Object, meta: Object) -> None:
    job = train_job(a_run(spec, admitted(), **meta))
    assert job["spec"]["suspend"] is True
    assert job["metadata"]["labels"].items() >= LABELS.items()
    # Kueue manages pods, too: one with the label would be queued once more.
    assert QUEUE not in job["spec"]["template"]["metadata"]["labels"]


def test_other_jobs_are_not_queued() -> None:
    spec: Object = {"job": {"labels": LABELS}, **MANUAL}
    run = a_run(spec, staged("Promoting"), labels=LABELS)
    for job in (promote_job(run, NOW), recall_job(run), train_job(a_run(status=admitted()))):
        assert "suspend" not in job["spec"]
        assert QUEUE not in job["metadata"]["labels"]


def test_a_job_that_waits_is_left_alone_however_long() -> None:
    run = a_run(status=admitted(), labels=LABELS)
    plan = look(run, train=QUEUED)
    assert (plan.status.phase, plan.reason, plan.action) == ("Pending", "QueuedByKueue", None)
    assert "batch" in str(plan.status.message)


def test_a_job_that_was_started_is_followed_and_waits_again_when_it_is_preempted() -> None:
    run = a_run(status=admitted(), labels=LABELS)
    plan = look(run, train=a_job(running_pod(), labels=LABELS))
    assert plan.status.phase == "Running"
    back = look(a_run(status=admitted("Running"), labels=LABELS), train=QUEUED)
    assert (back.status.phase, back.action) == ("Pending", None)


def test_a_job_that_cannot_start_ends_the_run_and_is_deleted_not_suspended() -> None:
    job = a_job(waiting_pod("ImagePullBackOff", "no image", age=9999), labels=LABELS)
    plan = look(a_run(status=admitted("Running"), labels=LABELS), train=job)
    assert (plan.status.phase, plan.reason) == ("Failed", "ImagePullBackOff")
    assert plan.action == DeleteJob("nightly-train-1", "uid-job")
