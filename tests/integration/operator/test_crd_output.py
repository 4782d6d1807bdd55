"""What people and tools see of a run: columns, lists, conditions and explanations."""

import json
import re
from typing import Any

import pytest

from hack.cluster.controlplane import ControlPlane
from hack.cluster.errors import ClusterError
from hack.kubectl import Kubectl
from tests.support import crd


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    return crd.install(control_plane, "crd-output-tests")


def test_prints_the_run_in_columns(kubectl: Kubectl) -> None:
    kubectl.apply(crd.manifest("table", {}))
    status = {
        "phase": "Succeeded",
        "message": "Rejected: macro F1 is 0.49, 0.7 needed.",
        "progress": {"stage": "Registering", "percent": 100},
        "model": {"version": "12", "silhouette": 0.317, "f1": 0.49},
        "decision": {"outcome": "Rejected"},
    }
    set_status(kubectl, "table", status)
    narrow, wide = (columns(kubectl("get", "tr", "table", *more)) for more in ([], ["-o=wide"]))
    message = wide.pop("MESSAGE")
    age = wide.pop("AGE")
    assert message == status["message"]
    assert re.fullmatch(r"\d+s", age)
    assert wide == {
        "NAME": "table",
        "PHASE": "Succeeded",
        "STAGE": "Registering",
        "VERSION": "12",
        "SILHOUETTE": "0.317",
        "F1": "0.49",
        "DECISION": "Rejected",
    }
    assert list(narrow) == [*wide, "AGE"]


def test_the_status_keeps_a_condition_a_type(kubectl: Kubectl) -> None:
    kubectl.apply(crd.manifest("conditions", {}))
    condition = {
        "type": "Finished",
        "status": "True",
        "reason": "Promoted",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-05-01T00:00:00Z",
    }
    set_status(kubectl, "conditions", {"conditions": [condition]})
    kubectl("wait", "--for=condition=Finished", "trainingrun/conditions", "--timeout=5s")
    with pytest.raises(ClusterError, match="Duplicate value"):
        set_status(kubectl, "conditions", {"conditions": [condition, condition]})


def set_status(kubectl: Kubectl, name: str, status: dict[str, Any]) -> None:
    patch = json.dumps({"status": status})
    kubectl(
        *("patch", "trainingrun", name, "--subresource=status", "--type=merge", "--patch", patch)
    )


def columns(table: str) -> dict[str, str]:
    """Return a printed table of one row, by its headings."""
    headings, row = table.rstrip("\n").splitlines()
    starts = [(found.group(), found.start()) for found in re.finditer(r"\S+", headings)]
    ends = [start for _, start in starts[1:]] + [len(row)]
    return {name: row[start:end].strip() for (name, start), end in zip(starts, ends, strict=True)}


def test_lists_under_its_short_name_and_categories(kubectl: Kubectl) -> None:
    kubectl.apply(crd.manifest("listed", {}))
    for name in ("tr", "trainingruns", "training", "all"):
        assert "trainingrun.training.sensors.dev/listed" in kubectl("get", name, "-o=name")


def test_explains_every_field(control_plane: ControlPlane, kubectl: Kubectl) -> None:
    # The API server publishes the schema a moment after it serves the resource.
    control_plane.wait("kubectl explain", lambda: described(kubectl, "trainingrun.spec"))
    missing = []
    for root in ("spec", "status"):
        everything = crd.fields(root)
        for parent in (root, *(each.path for each in everything if "properties" in each.schema)):
            text = described(kubectl, f"trainingrun.{parent.replace('[]', '')}")
            missing += [
                field.path
                for field in everything
                if field.path.rpartition(".")[0] == parent
                and not explained(field.path.rpartition(".")[2], field.schema, text)
            ]
    assert missing == []


def described(kubectl: Kubectl, what: str) -> str:
    try:
        return " ".join(kubectl("explain", what).split())
    except ClusterError:
        return ""


def explained(name: str, schema: dict[str, Any], text: str) -> bool:
    if name == "*" or name.endswith("[]"):  # values of maps and lists have no name to ask for
        return True
    return f"{name} <" in text and " ".join(schema["description"].split()) in text
