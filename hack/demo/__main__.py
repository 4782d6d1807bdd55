"""One command from an empty machine to a model in service: ``python3 -m hack.demo``."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hack import images
from hack.cluster.errors import ClusterError
from hack.cluster.steps import Steps
from hack.demo import stack
from hack.kubectl import Kubectl

PLANT = "plant"


def cluster(*arguments: str, capture: bool = False) -> str:
    """Run a command of hack/cluster, which prints its own steps."""
    done = subprocess.run(
        [sys.executable, "-m", "hack.cluster", *arguments],
        cwd=images.ROOT,
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.returncode)
    return (done.stdout or "").strip()


def build_images(targets: Sequence[str] = tuple(images.INPUTS)) -> dict[str, str]:
    """Build what changed, put it onto the cluster and return the images' names by target."""
    references = {target: images.reference(target) for target in targets}
    for target, reference in references.items():
        cluster("image", "--target", target, "--tag", reference)
    cluster("load", *references.values())
    return references


def connect() -> tuple[Kubectl, Path]:
    """Return kubectl for the cluster that is up, and the helm binary."""
    folder = Path(cluster("bin", "kubectl", "helm", capture=True))
    kubeconfig = Path(cluster("kubeconfig", capture=True))
    return Kubectl(folder / "kubectl", kubeconfig), folder / "helm"


def main() -> int:
    """Run the demo and print where to look."""
    steps = Steps(sys.stdout)
    with steps.timed("Cluster"):
        cluster("up")
        kubectl, helm = connect()
    with steps.timed("Images"):
        references = build_images()
    steps.say("Demo")
    with steps.step("Empty the namespace of an earlier demo"):
        kubectl("delete", "namespace", PLANT, "--ignore-not-found", "--timeout=120s")
    with steps.step("Start PostgreSQL, MLflow and the predictor"):
        plant = stack.create_plant(kubectl, PLANT, references)
    with steps.step("Install the operator with its chart"):
        stack.install_operator(kubectl, helm, references)
    with steps.step("Wait for PostgreSQL"):
        stack.wait_ready(plant, "postgres")
    with steps.step("Make the tables, load 117 labelled episodes"):
        stack.load_episodes(plant, references)
    with steps.step("Wait for MLflow"):
        stack.wait_ready(plant, "mlflow")
    runs = (stack.MANIFESTS / "trainingruns.yaml").read_text().split("---\n")
    for manifest, name in zip(runs, ("robust", "basic"), strict=True):
        with steps.step(f"TrainingRun {name}: apply to Finished"):
            plant.apply(manifest)
            stack.wait_finished(plant, name)
    with steps.step("Ask the predictor over HTTP"):
        label, readings = stack.first_episode()
        with plant.forward("service/sensor-predictor", 8080) as url:
            answer = stack.predict(url, readings)
    show(plant, label, answer)
    print("\nHow long it took")
    steps.table("Whole demo")
    where_to_look(plant)
    return 0


def show(plant: Kubectl, label: str, answer: dict[str, object]) -> None:
    """Print what came of it."""
    print(f"\n$ kubectl --namespace {PLANT} get trainingruns")
    print(plant("get", "trainingruns"))
    for run in plant.get("trainingruns")["items"]:
        decision = run["status"]["decision"]
        print(f"{run['metadata']['name']}: {decision['outcome']}. {decision['message']}")
    print(
        f"\nFirst episode of {stack.EPISODES.name}, known as {label!r}, asked of the Service"
        f" sensor-predictor:\n  failure mode {answer['mode']}, distance {answer['distance']:.2f},"
        f" answered by model version {answer['model_version']}"
    )


def where_to_look(plant: Kubectl) -> None:
    """Print where to go on, and how to take it down."""
    print(
        f"\nexport KUBECONFIG={plant.kubeconfig}"
        f"\nMLflow:    kubectl --namespace {PLANT} port-forward service/mlflow 5000,"
        " then open http://127.0.0.1:5000"
        f"\nTake down: kubectl delete namespace {PLANT}; the whole cluster: make cluster-down"
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ClusterError as error:
        sys.exit(f"demo: {error}")
