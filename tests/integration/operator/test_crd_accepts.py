"""What the resource takes on a real API server, and what it makes of it."""

import json

import pytest

from hack import images
from hack.cluster.controlplane import ControlPlane
from hack.kubectl import Kubectl
from tests.integration.operator.specs import (
    SINCE,
    UNTIL,
    champion,
    data,
    env,
    limits,
    propose,
    reference,
    volume,
)
from tests.support import crd
from trainer_operator.models import TrainingRunSpec

KEY = {"name": "a", "key": "b"}


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    return crd.install(control_plane, "crd-accepts")


@pytest.mark.parametrize(
    "spec",
    [
        {},
        None,
        {"model": None},
        data(),
        data(lookback="1h30m"),
        data(lookback="99999d"),
        data(lookback="604800s"),
        data(lookback="1000ms"),
        data(lookback="0h30m"),
        data(since=SINCE, until=UNTIL),
        data(since="2026-05-01T02:00:00.5+02:00", until="2026-05-01T00:00:01Z"),
        data(machines=["press 1", "Press/2"], minEpisodes=1),
        data(extendUntil={"episodes": 10, "atMost": "30d"}, rebuild=True),
        data(since=SINCE, until=UNTIL, extendUntil={"episodes": 1000000, "atMost": "99999d"}),
        data(minEpisodes=3, extendUntil={"episodes": 3, "atMost": "1s"}),
        {"model": {"clusters": 1, "seed": 2**32 - 1, "registeredName": "A b_c.d-1"}},
        {"model": {"clusterRange": {}}},
        {"model": {"clusterRange": {"min": 1, "max": 100}, "algorithm": "gaussianMixture"}},
        {"model": {"clusterRange": {"min": 5, "max": 5}}},
        {"features": {"set": "catch22"}},
        {"reference": {"configMapRef": {"name": "patterns"}}},
        {"reference": {"configMapRef": {"name": "a.b", "key": ".May_2026-05..csv"}}},
        {"gates": {"minSilhouette": -1, "minF1": 1, "unlabelled": "Reject"}},
        {"gates": {"champion": {}, "continuity": {}}},
        {"gates": {"structure": "Report", "unchangedData": "Train"}},
        {"gates": {"continuity": {"lost": "Manual"}, "champion": {"fraction": 0.01, "margin": 0}}},
        {"gates": {"champion": {"lookback": "7d", "minImprovement": 1, "inconclusive": "Manual"}}},
        {"promotion": {"policy": "Never", "alias": "line-4"}},
        {"tracking": {"uri": "https://mlflow.example:8443/a@b"}},
        {"predictor": {"deployment": "a.b-c"}},
        limits(cpu=2, memory="1.5Gi", **{"nvidia.com/gpu": "1"}),
        {"database": {}, "tracking": {}, "job": {}},
        {"source": {"modelVersion": "7"}},
        {"source": {"modelVersion": "999999999"}, "promotion": {"policy": "Manual"}},
        {"suspend": True, "ttlAfterFinished": "1000ms"},
        {"suspend": False, "ttlAfterFinished": "99999d"},
        env("A", value=""),
        env("my.variable", valueFrom={"secretKeyRef": {"name": "a", "key": "b"}}),
        env("MLFLOW_HTTP_REQUEST_TIMEOUT", valueFrom={"configMapKeyRef": KEY | {"optional": True}}),
        {"job": {"envFrom": [{"secretRef": {"name": "a"}}, {"configMapRef": {"name": "b"}}]}},
        {"job": {"envFrom": [{"prefix": "A_", "secretRef": {"name": "a", "optional": True}}]}},
        volume(secret={"secretName": "a"}, subPath="a/b.pem"),
        volume(path="/temporary", persistentVolumeClaim={"claimName": "a"}, readOnly=False),
        volume(path="/dev/shm", emptyDir={"medium": "Memory", "sizeLimit": 1}, readOnly=False),
        {"job": {"nodeSelector": {"kubernetes.io/os": "linux"}, "labels": {"team": ""}}},
        {"job": {"labels": {"kueue.x-k8s.io/queue-name": "nightly", "job-names": "a"}}},
        {
            "job": {
                "tolerations": [{}, {"operator": "Exists"}, {"key": "a", "tolerationSeconds": 5}]
            }
        },
        {"job": {"serviceAccountName": "a", "priorityClassName": "system-node-critical"}},
        {"job": {"imagePullSecrets": [{"name": "a"}, {"name": "b"}]}},
    ],
    ids=json.dumps,
)
def test_accepts(kubectl: Kubectl, spec: object) -> None:
    assert "created" in propose(kubectl, spec)


def test_the_stored_defaults_are_those_of_the_models(kubectl: Kubectl) -> None:
    kubectl.apply(crd.manifest("defaults", {}))
    stored = kubectl.get("trainingrun", "defaults")
    assert TrainingRunSpec.model_validate(stored["spec"]) == TrainingRunSpec()
    assert "clusters" not in stored["spec"]["model"]
    assert stored["status"] == {"observedGeneration": -1}


def test_what_is_asked_for_gets_the_models_defaults(kubectl: Kubectl) -> None:
    given = {**env("A", valueFrom={"secretKeyRef": KEY})["job"], **volume()["job"]}
    asked = {
        "model": {"clusterRange": {}},
        **champion(),
        **reference(name="patterns"),
        "job": {**given, "envFrom": [{"secretRef": {"name": "a"}}]},
    }
    kubectl.apply(crd.manifest("asked", asked))
    stored = kubectl.get("trainingrun", "asked")["spec"]
    assert stored["model"]["clusterRange"] == {"min": 2, "max": 8}
    assert stored["job"]["volumes"][0]["readOnly"] is True
    assert TrainingRunSpec.model_validate(stored) == TrainingRunSpec.model_validate(asked)


def test_a_version_gets_no_defaults_of_a_training(kubectl: Kubectl) -> None:
    kubectl.apply(crd.manifest("version", {"source": {"modelVersion": "7"}}))
    stored = kubectl.get("trainingrun", "version")["spec"]
    assert stored["source"] == {"modelVersion": "7"}
    assert TrainingRunSpec.model_validate(stored).source.data is None


def test_status_and_spec_are_written_apart(kubectl: Kubectl) -> None:
    written = json.loads(crd.manifest("apart", {})) | {"status": {"phase": "Succeeded"}}
    kubectl.apply(json.dumps(written))
    assert "phase" not in kubectl.get("trainingrun", "apart")["status"]


def test_the_examples_are_accepted(kubectl: Kubectl) -> None:
    files = sorted((images.ROOT / "examples").glob("trainingrun*.yaml"))
    assert len(files) == 6
    for file in files:
        assert "created" in kubectl("apply", "--dry-run=server", "--filename", str(file))
