"""The TrainingRun resource as it is written in deploy/crds, for the tests that use it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from hack import images
from hack.cluster import binaries
from hack.cluster.controlplane import ControlPlane
from hack.kubectl import Kubectl

FILE = images.ROOT / "deploy/crds/trainingruns.training.sensors.dev.yaml"
NAME = "trainingruns.training.sensors.dev"


def load() -> dict[str, Any]:
    """Return the CustomResourceDefinition."""
    document: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return document


def version() -> dict[str, Any]:
    """Return its one version."""
    (only,) = load()["spec"]["versions"]
    served: dict[str, Any] = only
    return served


def install(plane: ControlPlane, namespace: str) -> Kubectl:
    """Make the resource known to an API server; return kubectl for a new namespace there."""
    kubectl = Kubectl(binaries.provide(["kubectl"]) / "kubectl", plane.kubeconfig, namespace)
    kubectl("apply", "--server-side", "--force-conflicts", "--filename", str(FILE))
    kubectl("wait", "--for=condition=Established", f"crd/{NAME}", "--timeout=30s")
    kubectl("create", "namespace", namespace)
    return kubectl


def manifest(name: str, spec: object) -> str:
    """Return a TrainingRun as JSON, which is YAML."""
    return json.dumps(
        {
            "apiVersion": "training.sensors.dev/v1alpha1",
            "kind": "TrainingRun",
            "metadata": {"name": name},
            "spec": spec,
        }
    )


@dataclass(frozen=True)
class Field:
    """One field of the schema; `path` is written as in ``spec.source.data.machines[]``."""

    path: str
    schema: dict[str, Any]
    required: bool = False


def fields(root: str) -> list[Field]:
    """Return every field below ``spec`` or ``status``, parents before children."""
    schema = version()["schema"]["openAPIV3Schema"]["properties"][root]
    return list(below(Field(root, schema)))


def below(field: Field) -> Iterator[Field]:
    """Yield the fields of an object, parents before children."""
    schema = field.schema
    for name, child in schema.get("properties", {}).items():
        found = Field(f"{field.path}.{name}", child, name in schema.get("required", ()))
        yield found
        yield from below(found)
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(schema.get(key), dict):  # pydantic writes `additionalProperties: false`
            found = Field(field.path + suffix, schema[key])
            yield found
            yield from below(found)
