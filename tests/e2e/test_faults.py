"""Bad input and faults end in a status that says what is wrong and what to do."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from hack.cluster.errors import ClusterError
from hack.demo import stack
from hack.kubectl import Kubectl
from tests.e2e.support import ModelRegistry, eventually, kill_container
from tests.support.crd import manifest

OLD = {"since": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"}
NO_RETRY = {"limit": 0}
PREDICTOR = {"deployment": "sensor-predictor"}
AGAIN = {"features": {"set": "robust"}, "gates": {"unchangedData": "Train"}}
"""What the demo has trained on before: without the gate, there is nothing to do."""

FAULTS: dict[str, dict[str, Any]] = {
    "empty-window": {"source": {"data": OLD}},
    "too-many-clusters": {
        "source": {
            "data": {
                "minEpisodes": 1,
                "since": "2019-01-01T00:00:00Z",
                "until": "2019-01-02T00:00:00Z",
            }
        },
        "model": {"clusters": 5},
    },
    "wrong-password": {"database": {"secretRef": {"name": "wrong-database"}}},
    "no-database": {"database": {"secretRef": {"name": "no-database"}}, "retry": NO_RETRY},
    "no-mlflow": {"tracking": {"uri": "http://no-mlflow:5000"}, "retry": NO_RETRY},
    "no-deployment": {"predictor": {"deployment": "nowhere"}},
    "out-of-memory": {
        "job": {"resources": {"limits": {"memory": "40Mi"}, "requests": {"memory": "40Mi"}}},
        "retry": NO_RETRY,
    },
}


@pytest.fixture(scope="module")
def finished(plant: Kubectl) -> dict[str, dict[str, Any]]:
    """Apply every faulty run at once and return how each ended."""
    plant.apply(
        stack.database_secret("not-the-password").replace("trainer-database", "wrong-database")
    )
    plant.apply(
        stack.database_secret("any", host="no-postgres").replace("trainer-database", "no-database")
    )
    load_three_old_episodes(plant)
    for name, spec in FAULTS.items():
        plant.apply(manifest(name, {"predictor": PREDICTOR, **spec}))
    return {name: stack.wait_finished(plant, name) for name in FAULTS}


def load_three_old_episodes(plant: Kubectl) -> None:
    """Load three episodes of the demo's data under another machine, in 2019."""
    records = stack.EPISODES.read_text().strip().split("\n\n")[:3]
    deployment = plant.get("deployment", "sensor-predictor")
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    job = stack.manifest("data.yaml", {"job": image})
    job = job.replace(
        "args: [load, /demo-data/lp4.data.txt]",
        'args: [load, /demo-data/old.txt, --machine, old, --end, "2019-01-01T12:00:00Z"]',
    ).replace("configMap: {name: demo-data}", "configMap: {name: old-data}")
    data = {"old.txt": "\n\n".join(records) + "\n"}
    plant.apply(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "old-data"},
                "data": data,
            }
        )
    )
    name = plant("create", "--filename", "-", "--output=name", stdin=job).strip()
    plant("wait", name, "--for=condition=Complete", "--timeout=120s")


@pytest.mark.parametrize(
    ("name", "phase", "words"),
    [
        ("empty-window", "Succeeded", ["0 episodes", "10 needed", "spec.source.data"]),
        ("too-many-clusters", "Failed", ["3 ", "5 clusters", "spec.model.clusters"]),
        ("wrong-password", "Failed", ["password", "POSTGRES_PASSWORD"]),
        ("no-database", "Failed", ["no-postgres:5432", "POSTGRES_HOST"]),
        ("no-mlflow", "Failed", ["http://no-mlflow:5000", "tracking"]),
        ("no-deployment", "Failed", ["nowhere", "spec.predictor.deployment"]),
        ("out-of-memory", "Failed", ["OOMKilled", "40Mi", "spec.job.resources"]),
    ],
)
def test_the_status_says_what_is_wrong(
    finished: dict[str, dict[str, Any]], name: str, phase: str, words: list[str]
) -> None:
    status = finished[name]["status"]
    assert status["phase"] == phase
    for word in words:
        assert word in status["message"]
    assert "not-the-password" not in json.dumps(finished[name])


def test_nothing_is_half_registered(
    finished: dict[str, dict[str, Any]], registry: ModelRegistry
) -> None:
    for run in finished.values():
        assert registry.of_run(run["metadata"]["uid"]) == []


def test_a_missing_deployment_is_found_before_training(finished: dict[str, dict[str, Any]]) -> None:
    assert "job" not in finished["no-deployment"]["status"]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"modle": {"clusters": 3}}, "spec.modle"),
        ({"model": {"clusterz": 3}}, "spec.model.clusterz"),
        ({"model": {"clusters": "three"}}, "spec.model.clusters"),
        ({"source": {"data": {"lookback": "1 day"}}}, "spec.source.data.lookback"),
        ({"features": {"set": "best"}}, "spec.features.set"),
    ],
)
def test_the_api_server_refuses_and_names_the_field(
    plant: Kubectl, spec: dict[str, Any], field: str
) -> None:
    with pytest.raises(ClusterError, match=field.replace(".", r"\.")):
        plant.apply(manifest("refused", spec))


def test_a_killed_operator_changes_nothing(
    plant: Kubectl, registry: ModelRegistry, training_run: Callable[..., str]
) -> None:
    before = len(registry.versions())
    system = plant.within(stack.SYSTEM)
    name = training_run("survivor", {**AGAIN, "predictor": PREDICTOR})
    eventually(lambda: running_pods(plant, name), "the run's pod", 60)
    (operator,) = system.get("pods", "--selector", "app.kubernetes.io/name=trainer-operator")[
        "items"
    ]
    restarts = operator["status"]["containerStatuses"][0]["restartCount"]
    kill_container(operator["metadata"]["uid"], "trainer-operator")
    run = stack.wait_finished(plant, name)
    (after,) = system.get("pods", "--selector", "app.kubernetes.io/name=trainer-operator")["items"]
    assert after["status"]["containerStatuses"][0]["restartCount"] == restarts + 1
    assert run["status"]["decision"]["outcome"] == "Promoted"
    assert len(registry.of_run(run["metadata"]["uid"])) == 1
    assert len(registry.versions()) == before + 1
    assert registry.alias() == run["status"]["model"]["version"]
    jobs = [job for job in plant.get("jobs")["items"] if belongs_to(job, run)]
    trained = [job for job in jobs if "-train-" in job["metadata"]["name"]]
    assert len(trained) == 1
    assert len(jobs) == 2  # and one that promoted


def running_pods(plant: Kubectl, run: str) -> list[dict[str, Any]]:
    job = plant.get("trainingrun", run).get("status", {}).get("job", {}).get("name")
    if not job:
        return []
    pods: list[dict[str, Any]] = plant.get("pods", "--selector", f"job-name={job}")["items"]
    return [pod for pod in pods if pod["status"]["phase"] == "Running"]


def belongs_to(job: dict[str, Any], run: dict[str, Any]) -> bool:
    owners = job["metadata"].get("ownerReferences", [])
    return run["metadata"]["uid"] in {owner["uid"] for owner in owners}


def test_a_deleted_run_takes_its_job_with_it(
    plant: Kubectl, training_run: Callable[..., str]
) -> None:
    name = training_run("deleted", AGAIN)
    uid = plant.get("trainingrun", name)["metadata"]["uid"]
    eventually(lambda: running_pods(plant, name), "the run's pod", 60)
    plant("delete", "trainingrun", name, "--timeout=60s")

    def gone() -> bool:
        return not [
            job
            for job in plant.get("jobs")["items"]
            if uid in {owner["uid"] for owner in job["metadata"].get("ownerReferences", [])}
        ]

    eventually(gone, "the Job is deleted with its run", 60)
