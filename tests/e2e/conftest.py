"""The demo, run once by its own command; the tests look at what it left and go on from there."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hack import images
from hack.demo import __main__ as demo
from hack.kubectl import Kubectl
from tests.e2e.support import ModelRegistry
from tests.support.crd import manifest


@dataclass(frozen=True)
class Demo:
    """What the demo printed, and the way to what it left."""

    output: str
    kubectl: Kubectl
    helm: Path

    @property
    def plant(self) -> Kubectl:
        return self.kubectl.within(demo.PLANT)


@pytest.fixture(scope="session")
def the_demo() -> Demo:
    done = subprocess.run(
        ["make", "--no-print-directory", "demo"],
        cwd=images.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout
    kubectl, helm = demo.connect()
    return Demo(done.stdout, kubectl, helm)


@pytest.fixture(scope="session")
def plant(the_demo: Demo) -> Kubectl:
    return the_demo.plant


@pytest.fixture
def registry(plant: Kubectl) -> Iterator[ModelRegistry]:
    with plant.forward("service/mlflow", 5000) as url:
        yield ModelRegistry(url)


@pytest.fixture
def training_run(plant: Kubectl) -> Iterator[Callable[..., str]]:
    """Apply a TrainingRun and return its name; it is deleted after the test."""
    names = []

    def apply(name: str, spec: dict[str, Any]) -> str:
        plant.apply(manifest(name, spec))
        names.append(name)
        return name

    yield apply
    for name in names:
        plant("delete", "trainingrun", name, "--ignore-not-found", "--timeout=120s")
