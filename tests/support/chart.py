"""The operator's chart, as Helm renders it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from hack.cluster import binaries
from hack.cluster.commands import run
from hack.demo import stack

CHART = stack.CHART
RELEASE = "trainer-operator"


def helm(*arguments: str | Path) -> str:
    """Run helm and return what it prints."""
    return run([binaries.provide(["helm"]) / "helm", *arguments])


def render(*values: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the manifests by kind and namespace/name; `values` are ``--set`` expressions."""
    text = helm(
        *("template", RELEASE, CHART, f"--namespace={stack.SYSTEM}"),
        f"--kube-version={binaries.KUBERNETES}",
        *(f"--set={value}" for value in values),
    )
    documents = [each for each in yaml.safe_load_all(text) if each]
    return {(each["kind"], _name(each["metadata"])): each for each in documents}


def _name(metadata: dict[str, Any]) -> str:
    return "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))


def deployment(*values: str) -> dict[str, Any]:
    """Return the operator's Deployment."""
    return render(*values)["Deployment", f"{stack.SYSTEM}/trainer-operator"]


def container(*values: str) -> dict[str, Any]:
    """Return its one container."""
    (only,) = deployment(*values)["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = only
    return found


def environment(*values: str) -> dict[str, str]:
    """Return the container's variables; those of the pod's own fields as the fields' names."""
    return {each["name"]: _value(each) for each in container(*values)["env"]}


def _value(variable: dict[str, Any]) -> str:
    given = variable["value"] if "value" in variable else variable["valueFrom"]["fieldRef"]
    return str(given if isinstance(given, str) else given["fieldPath"])


def leaves(values: dict[str, Any], path: Sequence[str] = ()) -> set[str]:
    """Return the paths of the chart's values; resources are one value."""
    found = set()
    for key, value in values.items():
        here = (*path, key)
        if isinstance(value, dict) and key != "resources":
            found |= leaves(value, here)
        else:
            found.add(".".join(here))
    return found
