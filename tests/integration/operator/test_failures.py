"""The status of a failed run says what is wrong, by name, and what to do."""

import json

import pytest

from tests.integration.operator.plant import Plant, condition, failure

NO_RETRY = {"retry": {"limit": 0}}


def failed(plant: Plant, name: str, reason: str) -> str:
    status = plant.finish(name)
    assert status["phase"] == "Failed"
    for kind in ("Stalled", "Finished"):
        assert condition(status, kind)["status"] == "True"
        assert condition(status, kind)["reason"] == reason
    for kind in ("Reconciling", "Ready", "Trained", "Promoted"):
        assert condition(status, kind)["status"] == "False"
    message: str = status["message"]
    assert condition(status, "Finished")["message"] == message
    assert "completionTime" in status
    return message


def test_a_missing_deployment_fails_before_training(plant: Plant) -> None:
    plant.apply("early", {"predictor": {"deployment": "nowhere"}})
    message = failed(plant, "early", "DeploymentMissing")
    assert "nowhere" in message
    assert "spec.predictor.deployment" in message
    assert plant.jobs() == []
    assert not {"job", "asOf"} & plant.status("early").keys()


@pytest.mark.parametrize("exit_code", [64, 65])
def test_what_no_retry_can_mend_fails_at_the_first_attempt(plant: Plant, exit_code: int) -> None:
    uid = plant.apply("wrong")
    said = failure(uid, "BadCredentials", "The password is wrong: see POSTGRES_PASSWORD.")
    plant.end(message=said, exit_code=exit_code)
    assert failed(plant, "wrong", "BadCredentials") == (
        "The password is wrong: see POSTGRES_PASSWORD."
    )
    assert plant.status("wrong")["attempts"] == 1


@pytest.mark.parametrize("exit_code", [69, 70])
def test_what_may_pass_fails_after_the_last_attempt(plant: Plant, exit_code: int) -> None:
    uid = plant.apply("away", NO_RETRY)
    plant.end(message=failure(uid, "TrackingUnavailable", "No answer."), exit_code=exit_code)
    assert failed(plant, "away", "TrackingUnavailable") == "No answer."


def test_a_retry_goes_on_under_the_same_run(plant: Plant) -> None:
    uid = plant.apply("retried", {"retry": {"limit": 3}})
    plant.end(message=failure(uid, "DatabaseUnavailable", "No database."), exit_code=69)

    def told() -> bool:
        return "No database." in plant.status("retried").get("message", "")

    plant.eventually(told, "the first attempt's failure in the message")
    status = plant.status("retried")
    assert status["phase"] == "Running"
    assert status["attempts"] == 1


def test_out_of_memory_names_the_limit(plant: Plant) -> None:
    plant.apply("large", NO_RETRY)
    plant.end(exit_code=137, reason="OOMKilled")
    message = failed(plant, "large", "OOMKilled")
    for word in ("OOMKilled", "40Mi", "spec.job.resources"):
        assert word in message


def test_a_crash_without_a_result_names_the_exit_code(plant: Plant) -> None:
    plant.apply("crashed", NO_RETRY)
    plant.end(exit_code=139, message="not a result")
    assert "139" in failed(plant, "crashed", "AttemptFailed")


def test_success_without_a_result_is_a_failure(plant: Plant) -> None:
    plant.apply("silent")
    plant.end(message="")
    assert "spec.job.image" in failed(plant, "silent", "NoResult")


def test_the_result_of_another_run_is_not_taken(plant: Plant) -> None:
    plant.apply("mixed-up", NO_RETRY)
    plant.end(message=failure("another", "BadCredentials", "Not ours."), exit_code=64)
    assert "Not ours." not in failed(plant, "mixed-up", "AttemptFailed")


def test_the_deadline_is_named(plant: Plant) -> None:
    plant.apply("slow", {"activeDeadline": "1s"})
    message = failed(plant, "slow", "DeadlineExceeded")
    assert "1s" in message
    assert "spec.activeDeadline" in message


@pytest.mark.parametrize(
    ("reason", "said", "field"),
    [
        ("ImagePullBackOff", 'Back-off pulling image "nowhere/job:1"', "spec.job.image"),
        ("ErrImageNeverPull", "Container image is not present", "spec.job.imagePullPolicy"),
        ("CreateContainerConfigError", 'secret "gone" not found', "spec.database.secretRef"),
    ],
)
def test_what_never_fails_a_job_fails_the_run_after_a_while(
    plant: Plant, reason: str, said: str, field: str
) -> None:
    plant.apply("stuck")
    pod = plant.hold(reason, said)
    message = failed(plant, "stuck", reason)
    for word in (pod, reason, said, field):
        assert word in message
    plant.eventually(lambda: plant.job()["spec"].get("suspend"), "the Job is stopped")
    assert plant.jobs()[0]["metadata"]["annotations"]["training.sensors.dev/stop-reason"] == reason


def test_a_missing_reference_file_fails_the_run_after_a_while(plant: Plant) -> None:
    plant.apply("nameless", {"reference": {"configMapRef": {"name": "patterns"}}})
    pod = plant.hold("ContainerCreating", "")
    said = 'MountVolume.SetUp failed for volume "reference" : configmap "patterns" not found'
    plant.tell(plant.kubectl.get("pod", pod), "FailedMount", said)
    message = failed(plant, "nameless", "FailedMount")
    for word in (pod, said, "spec.reference.configMapRef"):
        assert word in message


def test_no_room_on_any_node_fails_the_run_after_a_while(plant: Plant) -> None:
    plant.apply("homeless")
    said = "0/1 nodes are available: 1 Insufficient memory."
    unscheduled = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": said,
    }
    plant.set_status("pod", plant.pod()["metadata"]["name"], {"conditions": [unscheduled]})
    message = failed(plant, "homeless", "Unschedulable")
    assert said in message
    assert "spec.job.resources" in message


def test_a_namespace_that_takes_no_pod_fails_the_run_after_a_while(plant: Plant) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"pods": "0"}},
    }
    plant.kubectl.apply(json.dumps(quota))
    plant.apply("crowded")
    message = failed(plant, "crowded", "QuotaExceeded")
    assert "exceeded quota" in message


def test_a_namespace_that_takes_no_job_fails_the_run_after_a_while(plant: Plant) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"count/jobs.batch": "0"}},
    }
    plant.kubectl.apply(json.dumps(quota))

    def counted() -> bool:
        return "hard" in plant.kubectl.get("resourcequota", "none").get("status", {})

    plant.eventually(counted, "the quota is in force")
    plant.apply("crowded")
    waiting = plant.wait("crowded", "Pending")
    assert waiting["asOf"]
    assert "exceeded quota" in failed(plant, "crowded", "QuotaExceeded")


def test_the_jobs_pods_pass_the_restricted_standard(plant: Plant) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    plant.kubectl("label", "namespace", str(plant.kubectl.namespace), label)
    plant.apply("restricted")
    assert plant.pod()["spec"]["securityContext"]["runAsNonRoot"] is True
