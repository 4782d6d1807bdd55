"""What `make demo` shows, and what it leaves in the cluster."""

import re
import subprocess

from hack import images
from hack.demo import stack
from hack.kubectl import Kubectl
from tests.e2e.conftest import Demo
from tests.e2e.support import ModelRegistry

OPERATOR = "system:serviceaccount:trainer-system:trainer-operator"


def test_prints_runs_decisions_and_a_prediction(the_demo: Demo) -> None:
    output = the_demo.output
    assert re.search(r"^robust +Succeeded .*Promoted", output, re.MULTILINE)
    assert re.search(r"^basic +Succeeded .*Rejected", output, re.MULTILINE)
    assert re.search(r"^robust: Promoted\. ", output, re.MULTILINE)
    assert re.search(r"^basic: Rejected\. .*0\.49.*0\.7", output, re.MULTILINE)
    assert "answered by model version 1" in output
    for step in ("Cluster", "Images", "TrainingRun robust: apply to Finished", "Whole demo"):
        assert re.search(rf"^  {step} +\d+\.\d s$", output, re.MULTILINE)
    assert "http://127.0.0.1:5000" in output
    assert output.rstrip().endswith("make cluster-down")


def test_the_scores_are_those_measured_on_this_data(plant: Kubectl) -> None:
    robust = plant.get("trainingrun", "robust")["status"]
    basic = plant.get("trainingrun", "basic")["status"]
    assert robust["data"]["episodes"] == 117
    assert robust["data"]["readings"] == 117 * 15
    assert round(float(robust["model"]["f1"]), 2) == 0.81
    assert round(float(basic["model"]["f1"]), 2) == 0.49
    assert robust["model"]["version"] == "1"
    assert basic["model"]["version"] == "2"


def test_every_model_is_registered_and_only_the_promoted_one_has_the_alias(
    plant: Kubectl, registry: ModelRegistry
) -> None:
    for name in ("robust", "basic"):
        uid = plant.get("trainingrun", name)["metadata"]["uid"]
        assert len(registry.of_run(uid)) == 1
    assert registry.alias() == plant.get("trainingrun", "robust")["status"]["model"]["version"]


def test_the_predictor_serves_the_promoted_version(plant: Kubectl) -> None:
    version = plant.get("trainingrun", "robust")["status"]["model"]["version"]
    deployment = plant.get("deployment", "sensor-predictor")
    key = "training.sensors.dev/model-version"
    assert deployment["metadata"]["annotations"][key] == version
    assert deployment["spec"]["template"]["metadata"]["annotations"][key] == version
    assert "training.sensors.dev/run" not in deployment["metadata"]["annotations"]
    with plant.forward("service/sensor-predictor", 8080) as url:
        answer = stack.predict(url, stack.first_episode()[1])
    assert answer["model_version"] == version
    assert answer["distance"] >= 0


def test_the_nodes_are_real(the_demo: Demo) -> None:
    nodes = the_demo.kubectl.get("nodes")["items"]
    assert nodes
    for node in nodes:
        info = node["status"]["nodeInfo"]
        assert info["containerRuntimeVersion"].startswith("containerd://")
        assert re.match(r"v1\.\d+\.\d+", info["kubeletVersion"])


def test_the_job_runs_restricted_and_without_a_token(plant: Kubectl) -> None:
    labels = plant.get("namespace", plant.namespace or "")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    job = plant.get("trainingrun", "robust")["status"]["job"]["name"]
    (pod,) = plant.get("pods", "--selector", f"job-name={job}")["items"]
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert not [
        source
        for volume in spec["volumes"]
        for source in volume.get("projected", {}).get("sources", [])
        if "serviceAccountToken" in source
    ]
    (container,) = spec["containers"]
    settings = {**spec["securityContext"], **container["securityContext"]}
    assert settings["runAsNonRoot"] is True
    assert settings["runAsUser"] > 0
    assert settings["readOnlyRootFilesystem"] is True
    assert settings["capabilities"]["drop"] == ["ALL"]
    assert settings["seccompProfile"]["type"] == "RuntimeDefault"


def can_operator(kubectl: Kubectl, *question: str) -> bool:
    argv = kubectl.argv("auth", "can-i", *question, f"--as={OPERATOR}")
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert answer.stdout.strip() in {"yes", "no"}, answer.stderr
    return answer.stdout.strip() == "yes"


def test_the_operator_cannot_read_secrets(the_demo: Demo) -> None:
    plant = the_demo.plant
    assert can_operator(plant, "patch", "deployments")  # the question reaches the right account
    assert can_operator(plant, "create", "jobs")
    for verb in ("get", "list", "watch", "create", "update", "patch", "delete"):
        assert not can_operator(plant, verb, "secrets")
        assert not can_operator(the_demo.kubectl.within("kube-system"), verb, "secrets")
    assert not can_operator(plant, "create", "pods")
    assert not can_operator(plant, "create", "pods/exec")
    assert not can_operator(plant, "delete", "deployments")


def test_the_examples_are_accepted(plant: Kubectl) -> None:
    files = sorted((images.ROOT / "examples").glob("trainingrun*.yaml"))
    assert len(files) >= 3
    for file in files:
        assert "created" in plant("apply", "--dry-run=server", "--filename", str(file))
