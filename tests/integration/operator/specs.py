"""Parts of specs, and the question whether the API server would take one."""

from typing import Any

from hack.kubectl import Kubectl
from tests.support import crd

SINCE, UNTIL = "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"


def data(**given: object) -> dict[str, Any]:
    return {"source": {"data": given}}


def limits(**given: object) -> dict[str, Any]:
    return {"job": {"resources": {"limits": given}}}


def champion(**given: object) -> dict[str, Any]:
    return {"gates": {"champion": given}}


def reference(**given: object) -> dict[str, Any]:
    return {"reference": {"configMapRef": given}}


def env(name: str, **given: object) -> dict[str, Any]:
    return {"job": {"env": [{"name": name, **given}]}}


def volume(name: str = "site", path: str = "/site", **given: object) -> dict[str, Any]:
    kind = given or {"configMap": {"name": "site"}}
    return {"job": {"volumes": [{"name": name, "mountPath": path, **kind}]}}


def propose(kubectl: Kubectl, spec: object) -> str:
    """Ask whether a spec would be accepted; nothing is kept."""
    asked = crd.manifest("proposed", spec)
    return kubectl("apply", "--dry-run=server", "--filename", "-", stdin=asked)
