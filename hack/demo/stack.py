"""What the demo puts into a cluster: the operator, and a plant with its servers and episodes."""

import json
import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hack import images
from hack.cluster.commands import run
from hack.kubectl import Kubectl

MANIFESTS = images.ROOT / "deploy/demo"
CHART = images.ROOT / "deploy/helm/trainer-operator"
EPISODES = images.ROOT / "examples/data/robot-failures/lp4.data.txt"
SYSTEM = "trainer-system"
SENSORS = ("Fx", "Fy", "Fz", "Tx", "Ty", "Tz")


def manifest(name: str, references: Mapping[str, str], **replaced: str) -> str:
    """Return a manifest of the demo with the images that were built, and words replaced."""
    text = (MANIFESTS / name).read_text()
    for target, reference in references.items():
        text = text.replace(f"image: trainer/{target}\n", f"image: {reference}\n")
    for old, new in replaced.items():
        text = re.sub(rf"\b{old}\b", new, text)
    return text


def install_operator(
    kubectl: Kubectl, helm: Path, references: Mapping[str, str], *values: str
) -> None:
    """Install or upgrade the operator with its chart; `values` are ``--set`` expressions."""
    settings = [*image_values("image", references["operator"])]
    settings += image_values("job.image", references["job"])
    run(
        [
            helm,
            "upgrade",
            "--install",
            "trainer-operator",
            CHART,
            f"--kubeconfig={kubectl.kubeconfig}",
            f"--namespace={SYSTEM}",
            "--create-namespace",
            *[f"--set-string={value}" for value in (*settings, *values)],
            "--wait",
            "--timeout=2m",
        ]
    )


def image_values(key: str, reference: str) -> list[str]:
    """Return the chart's values for one image."""
    repository, _, tag = reference.rpartition(":")
    return [f"{key}.repository={repository}", f"{key}.tag={tag}"]


def create_plant(kubectl: Kubectl, namespace: str, references: Mapping[str, str]) -> Kubectl:
    """Make a namespace with PostgreSQL, MLflow and a predictor, all starting."""
    kubectl.apply(manifest("namespace.yaml", {}, plant=namespace))
    plant = kubectl.within(namespace)
    plant.apply(database_secret(secrets.token_urlsafe(24)))
    for name in ("postgres.yaml", "mlflow.yaml", "predictor.yaml"):
        plant.apply(manifest(name, references))
    return plant


def database_secret(password: str, host: str = "postgres") -> str:
    """Return the Secret that TrainingRuns name in ``spec.database.secretRef``."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "trainer-database"},
            "stringData": {
                "POSTGRES_HOST": host,
                "POSTGRES_PORT": "5432",
                "POSTGRES_USER": "sensor_user",
                "POSTGRES_PASSWORD": password,
                "POSTGRES_DB": "sensor_data",
            },
        }
    )


def wait_ready(plant: Kubectl, *deployments: str) -> None:
    """Wait until Deployments serve."""
    for name in deployments:
        plant("rollout", "status", f"deployment/{name}", "--timeout=180s")


def load_episodes(plant: Kubectl, references: Mapping[str, str]) -> str:
    """Make the tables, load the robot failures and return what the loader said."""
    if not plant("get", "configmap", "demo-data", "--ignore-not-found"):
        plant("create", "configmap", "demo-data", f"--from-file={EPISODES}")
    job = plant(
        "create", "--filename", "-", "--output=name", stdin=manifest("data.yaml", references)
    ).strip()
    plant("wait", job, "--for=condition=Complete", "--timeout=120s")
    return plant("logs", job, "--container=load").strip()


def wait_finished(plant: Kubectl, name: str, seconds: int = 300) -> dict[str, Any]:
    """Wait for the end of a TrainingRun and return it."""
    plant("wait", f"trainingrun/{name}", "--for=condition=Finished", f"--timeout={seconds}s")
    return plant.get("trainingrun", name)


def first_episode(file: Path = EPISODES) -> tuple[str, list[list[int]]]:
    """Return the label and the readings of a data file's first record."""
    label, *rows = file.read_text().strip().split("\n\n")[0].splitlines()
    return label.strip(), [[int(value) for value in row.split()] for row in rows]


def predict(url: str, readings: list[list[int]], tries: int = 20) -> dict[str, Any]:
    """Ask a predictor for the failure mode of one episode and return its answer."""
    body = {
        "dataframe_split": {
            "columns": ["episode", *SENSORS],
            "data": [["1", *row] for row in readings],
        }
    }
    request = urllib.request.Request(
        f"{url}/invocations",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    for left in reversed(range(tries)):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                prediction: dict[str, Any] = json.load(answer)["predictions"][0]
                return prediction
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{url} answered {error.code}: {error.read()!r}") from error
        except OSError:
            if not left:
                raise
            time.sleep(0.5)
    raise AssertionError("unreachable")
