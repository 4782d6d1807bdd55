"""What the chart renders, with the real Helm."""

import json
import re

import pytest
import yaml

import trainer_job
from hack.cluster.errors import ClusterError
from hack.demo import stack
from tests.support import chart, crd
from trainer_operator.settings import Settings


def test_has_no_fault_that_helm_finds() -> None:
    assert "0 chart(s) failed" in chart.helm("lint", "--strict", chart.CHART)


def test_is_of_the_version_of_the_code() -> None:
    about = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())
    assert about["appVersion"] == trainer_job.__version__
    image = f"trainer/operator:{trainer_job.__version__}"
    assert chart.container()["image"] == image
    assert chart.container("image.tag=v1", "image.repository=r/o")["image"] == "r/o:v1"


def test_the_operator_reads_its_values_as_settings() -> None:
    assert Settings.from_environment(chart.environment()) == Settings(
        job_image=f"trainer/job:{trainer_job.__version__}",
        job_resources=json.loads(
            '{"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}}'
        ),
        lease=f"{stack.SYSTEM}/trainer-operator",
        identity="metadata.name",
    )


def test_every_value_reaches_the_operator() -> None:
    environment = chart.environment(
        "watchNamespaces={plant-a,plant-b}",
        "job.image.repository=r/j",
        "job.image.tag=v2",
        "job.image.pullPolicy=Never",
        "job.resources.limits.cpu=2",
        "defaults.database.secretName=db",
        "defaults.tracking.uri=https://mlflow.example/x",
        "defaults.tracking.experiment=e",
        "defaults.tracking.secretName=login",
        "defaults.activeDeadline=2h",
        "defaults.rolloutTimeout=7m",
        "startTimeout=1m",
        "maxConcurrentRuns=4",
        "resync=10s",
        "logFormat=text",
    )
    resources = json.loads(environment.pop("TRAINER_JOB_RESOURCES"))
    assert resources["limits"] == {"cpu": 2, "memory": "2Gi"}
    assert environment == {
        "TRAINER_NAMESPACES": "plant-a,plant-b",
        "TRAINER_JOB_IMAGE": "r/j:v2",
        "TRAINER_JOB_IMAGE_PULL_POLICY": "Never",
        "TRAINER_DATABASE_SECRET": "db",
        "TRAINER_TRACKING_URI": "https://mlflow.example/x",
        "TRAINER_TRACKING_EXPERIMENT": "e",
        "TRAINER_TRACKING_SECRET": "login",
        "TRAINER_ACTIVE_DEADLINE": "2h",
        "TRAINER_ROLLOUT_TIMEOUT": "7m",
        "TRAINER_START_TIMEOUT": "1m",
        "TRAINER_MAX_CONCURRENT_RUNS": "4",
        "TRAINER_RESYNC": "10s",
        "TRAINER_LEASE": f"{stack.SYSTEM}/trainer-operator",
        "TRAINER_IDENTITY": "metadata.name",
        "TRAINER_LIVENESS_PORT": "8080",
        "TRAINER_LOG_FORMAT": "text",
    }


def test_sets_every_setting() -> None:
    """All but the pace of following a run and of the election, which nobody needs to change."""
    settings = {f"TRAINER_{name.upper()}" for name in Settings.model_fields}
    assert set(chart.environment()) == settings - {
        "TRAINER_POLL",
        "TRAINER_SETTLE",
        "TRAINER_LEASE_DURATION",
    }


def test_probes_ask_the_port_that_the_operator_listens_on() -> None:
    container = chart.container()
    (port,) = container["ports"]
    assert str(port["containerPort"]) == chart.environment()["TRAINER_LIVENESS_PORT"]
    paths = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    for probe, path in paths.items():
        assert container[probe]["httpGet"] == {"path": path, "port": port["name"]}


def test_replicas_are_spread_where_there_are_several() -> None:
    alone, two = (chart.deployment(*value)["spec"] for value in ((), ("replicas=2",)))
    assert (alone["replicas"], two["replicas"]) == (1, 2)
    assert "topologySpreadConstraints" not in alone["template"]["spec"]
    (spread,) = two["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == two["selector"]["matchLabels"]


def test_only_its_own_lease_may_be_read_and_changed() -> None:
    role = chart.render("watchNamespaces={plant}")["Role", f"{stack.SYSTEM}/trainer-operator-lease"]
    make, use = role["rules"]
    assert make == {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["create"],
    }
    namespace, _, name = chart.environment()["TRAINER_LEASE"].partition("/")
    assert (use["resourceNames"], use["verbs"]) == ([name], ["get", "update"])
    assert namespace == stack.SYSTEM


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("imag.tag=v1", "additional properties 'imag' not allowed"),
        ("image.tags=v1", "at '/image': additional properties 'tags' not allowed"),
        ("image.pullPolicy=Newer", "at '/image/pullPolicy': value must be one of"),
        ("job.resources.limits.memory=1GB", "at '/job/resources/limits/memory': '1GB'"),
        ("job.resources.limits.cpu=-1", "at '/job/resources/limits/cpu': minimum"),
        ("watchNamespaces=plant", "at '/watchNamespaces': got string, want array"),
        ("watchNamespaces={Plant}", "at '/watchNamespaces/0': 'Plant' does not match"),
        ("defaults.tracking.uri=mlflow:5000", "at '/defaults/tracking/uri'"),
        ("defaults.tracking.uri=http://me:secret@mlflow", "at '/defaults/tracking/uri'"),
        ("defaults.database.secretName=", "at '/defaults/database/secretName'"),
        ("defaults.activeDeadline=1 day", "at '/defaults/activeDeadline'"),
        ("maxConcurrentRuns=0", "at '/maxConcurrentRuns': minimum"),
        ("replicas=-1", "at '/replicas': minimum"),
        ("resync=30", "at '/resync': got number, want string"),
        ("logFormat=xml", "at '/logFormat': value must be one of 'json', 'text'"),
        ("crds.install=perhaps", "at '/crds/install': got string, want boolean"),
    ],
)
def test_refuses_wrong_values_and_names_them(value: str, named: str) -> None:
    with pytest.raises(ClusterError) as refused:
        chart.render(value)
    assert named in str(refused.value)


def test_carries_the_resource_unless_told_otherwise() -> None:
    key = ("CustomResourceDefinition", crd.NAME)
    assert chart.render()[key] == crd.load()
    assert key not in chart.render("crds.install=false")


def test_documents_every_value() -> None:
    values = yaml.safe_load((chart.CHART / "values.yaml").read_text())
    text = (chart.CHART / "README.md").read_text()
    named = re.findall(r"^\| `([\w.]+)`", text, re.MULTILINE)
    assert set(named) == chart.leaves(values)
    assert len(named) == len(set(named))
