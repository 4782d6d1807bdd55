"""What spec.job adds to the pods, and what it cannot change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.operator.builders import (
    MANUAL,
    NOW,
    Object,
    a_run,
    admitted,
    staged,
)
from trainer_operator.resources.jobs import promote_job, recall_job, train_job

SPEC: Object = {
    "env": [
        {"name": "HTTP_PROXY", "value": "http://proxy:3128"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "site", "key": "k"}}},
    ],
    "envFrom": [{"prefix": "SITE_", "configMapRef": {"name": "site"}}],
    "volumes": [
        {"name": "ca", "mountPath": "/etc/ca", "configMap": {"name": "ca"}},
        {"name": "scratch", "mountPath": "/scratch", "readOnly": False, "emptyDir": {}},
        {"name": "one", "mountPath": "/one", "subPath": "a/b", "secret": {"secretName": "s"}},
    ],
    "nodeSelector": {"pool": "batch"},
    "tolerations": [{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}],
    "serviceAccountName": "trainer",
    "priorityClassName": "low",
    "imagePullSecrets": [{"name": "registry"}],
    "labels": {"team": "line-3"},
}


def pod_of(job: Object) -> Object:
    pod: Object = job["spec"]["template"]["spec"]
    return pod


def jobs(spec: Object) -> list[Object]:
    train = a_run({"job": spec}, admitted())
    promote = a_run({"job": spec, **MANUAL}, staged("Promoting"))
    return [train_job(train), recall_job(train), promote_job(promote, NOW)]


@pytest.mark.parametrize("job", jobs(SPEC), ids=["train", "recall", "promote"])
def test_each_job_has_what_the_run_adds(job: Object) -> None:
    pod = pod_of(job)
    (container,) = pod["containers"]
    assert pod["nodeSelector"] == {"pool": "batch"}
    assert pod["tolerations"] == SPEC["tolerations"]
    assert pod["serviceAccountName"] == "trainer"
    assert pod["priorityClassName"] == "low"
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert container["envFrom"][0]["configMapRef"]["name"] == "site"
    env = {each["name"]: each for each in container["env"]}
    assert env["HTTP_PROXY"] == {"name": "HTTP_PROXY", "value": "http://proxy:3128"}
    assert env["KEY"]["valueFrom"]["secretKeyRef"]["key"] == "k"
    mounts = {each["name"]: each for each in container["volumeMounts"]}
    assert mounts["ca"] == {"name": "ca", "mountPath": "/etc/ca", "readOnly": True}
    assert mounts["scratch"] == {"name": "scratch", "mountPath": "/scratch"}
    assert mounts["one"]["subPath"] == "a/b"
    volumes = {each["name"]: each for each in pod["volumes"]}
    assert volumes.keys() == mounts.keys() == {"tmp", "ca", "scratch", "one"}
    assert volumes["one"]["secret"]["secretName"] == "s"
    for labels in (job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
        assert labels["team"] == "line-3"
        assert labels["app.kubernetes.io/managed-by"] == "trainer-operator"


def test_without_overrides_nothing_is_there() -> None:
    (pod, *_) = map(pod_of, jobs({}))
    assert pod.keys().isdisjoint({"nodeSelector", "tolerations", "serviceAccountName"})
    assert "envFrom" not in pod["containers"][0]


NAMES = st.sampled_from(
    ["TRAINER_RUN", "SENSOR_DATA_FILE", "POSTGRES_HOST", "MLFLOW_TRACKING_URI", "HOME", "A"]
)
PLACES = st.sampled_from(["/tmp", "/tmp/x", "/reference", "/opt/venv", "/data", "/etc/ca"])
VOLUMES = st.lists(
    st.builds(
        lambda name, place, read_only: {
            "name": name,
            "mountPath": place,
            "readOnly": read_only,
            "emptyDir": {},
        },
        st.sampled_from(["tmp", "reference", "ca", "data"]),
        PLACES,
        st.booleans(),
    ),
    max_size=4,
)
LABELS = st.dictionaries(
    st.sampled_from(
        ["training.sensors.dev/run-uid", "app.kubernetes.io/managed-by", "job-name", "team"]
    ),
    st.just("x"),
)


@given(st.lists(NAMES, unique=True), VOLUMES, LABELS)
def test_overrides_keep_the_security_context(
    names: list[str], volumes: list[Object], labels: dict[str, str]
) -> None:
    spec = {
        **SPEC,
        "env": [{"name": name, "value": "theirs"} for name in names],
        "volumes": volumes,
        "labels": labels,
    }
    for job, plain in zip(jobs(spec), jobs({}), strict=True):
        pod, before = pod_of(job), pod_of(plain)
        (container,), (own,) = pod["containers"], before["containers"]
        kept = ("securityContext", "automountServiceAccountToken", "restartPolicy")
        assert [pod[key] for key in kept] == [before[key] for key in kept]
        assert container["securityContext"] == own["securityContext"]
        assert {"hostNetwork", "hostPID", "initContainers"}.isdisjoint(pod)
        assert container["env"][: len(own["env"])] == own["env"]
        added = {each["name"] for each in container["env"][len(own["env"]) :]}
        assert added <= {"HOME", "A"}
        assert pod["volumes"][:1] == [{"name": "tmp", "emptyDir": {}}]
        places = [each["mountPath"] for each in container["volumeMounts"]]
        assert set(places) <= {"/tmp", "/data", "/etc/ca"}
        assert places.count("/tmp") == 1
        assert plain["metadata"]["labels"].items() <= job["metadata"]["labels"].items()
