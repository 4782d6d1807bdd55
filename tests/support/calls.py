"""What a client asks an API server, by names that stay the same from one run to the next."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

WRITING = {"POST", "PUT", "PATCH", "DELETE"}
_UNCOUNTED = {"leases", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "tokenreviews"}
"""Resources whose writes change nothing that belongs to a run."""
_CLAIM = "training.sensors.dev/run"
_TASK = "training.sensors.dev/task"


@dataclass
class Call:
    """One request, and the status of its answer as soon as the client gets one.

    Attributes
    ----------
    name
        Method, resource and what tells it from others of them: ``PUT trainingruns/status
        Running``; never a generated name.
    watch
        Whether the answer is a stream.
    code
        Status of the API server's answer, None where it got no request or the answer is due.
    """

    method: str
    path: str
    name: str
    watch: bool = False
    code: int | None = None

    @property
    def writes(self) -> bool:
        """Say whether it changes something that belongs to a run."""
        return self.method in WRITING and resource(self.path).split("/")[0] not in _UNCOUNTED


Match = Callable[[Call], bool]


def read(method: str, path: str, query: Mapping[str, str], body: bytes) -> Call:
    """Return what a request asks for."""
    what = resource(path)
    watch = query.get("watch") in {"true", "1"}
    detail = _detail(method, what, _document(body)) if method in WRITING else ""
    return Call(method, path, " ".join(filter(None, (method, what, detail))), watch)


def resource(path: str) -> str:
    """Return the plural of a path, with its subresource: ``trainingruns/status``."""
    parts = path.strip("/").split("/")
    below = parts[2:] if parts[0] == "api" else parts[3:]
    if len(below) > 2 and below[0] == "namespaces":
        below = below[2:]
    return "/".join(below[:1] + below[2:3])


def named(start: str) -> Match:
    """Return what matches the calls whose name starts so."""
    return lambda call: call.name.startswith(start)


def writes(call: Call) -> bool:
    """Match each write that belongs to a run."""
    return call.writes


def watches(call: Call) -> bool:
    """Match each stream of changes."""
    return call.watch


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _detail(method: str, what: str, body: dict[str, Any]) -> str:
    meta = body.get("metadata") or {}
    match what:
        case "trainingruns/status":
            status = body.get("status") or {}
            outcome = (status.get("decision") or {}).get("outcome")
            return " ".join(filter(None, (status.get("phase"), outcome)))
        case "trainingruns" if method == "PATCH":
            return "hold" if meta.get("finalizers") else "let go"
        case "jobs" if method == "POST":
            return str((meta.get("labels") or {}).get(_TASK, ""))
        case "events":
            return str(body.get("message", "")).partition(":")[0]  # the run's phase
        case "deployments":
            claims = (meta.get("annotations") or {}).get(_CLAIM)
            return "claim" if claims else "apply" if "apiVersion" in body else "release"
    return ""
