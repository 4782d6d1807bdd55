"""What is kept is all that the views read, and little else."""

import json

from tests.unit.operator.builders import Object, admitted, model, raw_run, rolling, time
from trainer_operator.models import TrainingRun
from trainer_operator.observed import Job, Pod
from trainer_operator.pruning import prune_deployment, prune_job, prune_pod, prune_run

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
META: Object = {
    "name": "x",
    "namespace": "plant",
    "uid": "x",
    "resourceVersion": "1",
    "creationTimestamp": time(),
    "managedFields": [{"manager": "m" * 1000}],
    "annotations": {APPLIED: "{}" * 500, "training.sensors.dev/run-name": "nightly"},
    "ownerReferences": [{"uid": "run", "controller": True}],
}
JOB: Object = {
    "metadata": {**META, "labels": {"kueue.x-k8s.io/queue-name": "q"}},
    "spec": {"suspend": True, "template": {"spec": {"containers": ["c" * 2000]}}},
    "status": {"failed": 2, "active": 1, "startTime": time(5)},
}
POD: Object = {
    "metadata": META,
    "spec": {"nodeName": "n1", "containers": ["c" * 2000]},
    "status": {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "no memory",
        "podIPs": ["10.0.0.1"] * 50,
        "conditions": [{"type": "Ready", "status": "True", "lastProbeTime": time()}],
        "containerStatuses": [
            {
                "name": "trainer",
                "imageID": "i" * 500,
                "ready": False,
                "state": {"terminated": {"exitCode": 1, "startedAt": time(9), "message": "m"}},
                "lastState": {"terminated": {"exitCode": 2}},
            }
        ],
    },
}


def test_the_views_of_what_is_kept_are_those_of_the_whole() -> None:
    run = raw_run({"predictor": {"deployment": "d"}}, rolling(), managedFields=[{"x": 1}])
    assert TrainingRun.read(prune_run(run)) == TrainingRun.read(run)
    assert Job.read(prune_job(JOB)) == Job.read(JOB)
    assert Pod.read(prune_pod(POD)) == Pod.read(POD)


def test_what_is_long_and_not_read_is_not_kept() -> None:
    run = raw_run(status=admitted(), managedFields=META["managedFields"])
    for kept in (prune_run(run), prune_job(JOB), prune_pod(POD)):
        assert len(json.dumps(kept)) < 1500
        assert "managedFields" not in kept["metadata"]
        assert APPLIED not in kept["metadata"].get("annotations", {})
    assert JOB["metadata"]["annotations"][APPLIED]  # the object itself is not touched


def test_of_a_finished_run_remains_when_it_ended_and_when_it_is_to_go() -> None:
    decision = {"outcome": "Promoted", "reason": "R", "message": "m" * 4000}
    status = admitted(
        "Succeeded", decision=decision, completionTime=time(3), model=model(), conditions=[]
    )
    raw = raw_run({"ttlAfterFinished": "1h", "suspend": True}, status, finalizers=["f"])
    kept = prune_run(raw)
    assert len(json.dumps(kept)) < 900
    run, whole = TrainingRun.read(kept), TrainingRun.read(raw)
    assert run.spec.ttl_after_finished == whole.spec.ttl_after_finished
    assert run.status.completion_time == whole.status.completion_time
    assert (run.uid, run.resource_version, run.finalizers) == (
        whole.uid,
        whole.resource_version,
        whole.finalizers,
    )
    assert run.status.decision is not None
    assert run.status.decision.outcome == "Promoted"


def test_of_a_deployment_remains_what_the_operator_wrote() -> None:
    kept = prune_deployment({"metadata": META})
    assert kept["metadata"]["annotations"] == {"training.sensors.dev/run-name": "nightly"}
    assert set(kept) == {"metadata"}
