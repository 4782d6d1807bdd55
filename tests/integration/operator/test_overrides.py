"""What spec.job adds reaches the pods, which stay within the restricted standard."""

from tests.integration.operator.plant import Plant

JOB = {
    "env": [{"name": "HTTP_PROXY", "value": "http://proxy:3128"}],
    "envFrom": [{"configMapRef": {"name": "site", "optional": True}}],
    "volumes": [
        {"name": "ca", "mountPath": "/etc/ca", "configMap": {"name": "ca", "optional": True}},
        {"name": "scratch", "mountPath": "/scratch", "readOnly": False, "emptyDir": {}},
    ],
    "nodeSelector": {"pool": "batch"},
    "tolerations": [{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}],
    "serviceAccountName": "trainer",
    "imagePullSecrets": [{"name": "registry"}],
    "labels": {"team": "line-3"},
}


def test_the_pod_has_what_the_run_adds(plant: Plant) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    plant.kubectl("label", "namespace", str(plant.kubectl.namespace), label)
    plant.kubectl("create", "serviceaccount", "trainer")
    plant.apply("shaped", {"job": JOB})
    pod = plant.pod()
    spec = pod["spec"]
    (container,) = spec["containers"]
    assert pod["metadata"]["labels"]["team"] == plant.job()["metadata"]["labels"]["team"]
    assert spec["nodeSelector"] == {"pool": "batch"}
    assert JOB["tolerations"][0] in spec["tolerations"]  # type: ignore[index]
    assert spec["serviceAccountName"] == "trainer"
    assert spec["automountServiceAccountToken"] is False
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert {"name": "HTTP_PROXY", "value": "http://proxy:3128"} in container["env"]
    assert container["envFrom"] == [{"configMapRef": {"name": "site", "optional": True}}]
    places = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert places == {"tmp": "/tmp", "ca": "/etc/ca", "scratch": "/scratch"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["securityContext"]["runAsNonRoot"] is True
