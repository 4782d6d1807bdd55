"""The few calls to an API server that starting and checking a cluster needs."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from hack.cluster.errors import ClusterError
from hack.cluster.pki import Pair

_CONFLICT = 409
_ERRORS = (urllib.error.URLError, http.client.HTTPException, OSError)


class Api:
    """An administrator's client of one API server."""

    def __init__(self, url: str, authority: Pair, user: Pair) -> None:
        self._url = url
        context = ssl.create_default_context(cafile=str(authority.certificate))
        context.load_cert_chain(user.certificate, user.key)
        # No proxy of the environment: the server is on this machine.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def ready(self) -> bool:
        """Say whether the server answers and finds itself ready."""
        try:
            with self._opener.open(f"{self._url}/readyz", timeout=5):
                return True
        except _ERRORS:
            return False

    def get(self, path: str) -> dict[str, Any] | None:
        """Return an object, or None if it is not there or the server does not answer."""
        try:
            return self._call("GET", path)
        except _ERRORS:
            return None

    def create(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        """Create an object; one that exists already is left as it is."""
        try:
            return self._call("POST", path, content)
        except urllib.error.HTTPError as error:
            if error.code == _CONFLICT:
                return {}
            raise ClusterError(f"POST {path}: {error.code} {error.read().decode()}") from error
        except _ERRORS as error:
            raise ClusterError(f"POST {path}: {error}") from error

    def _call(self, method: str, path: str, content: object = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self._url + path,
            data=None if content is None else json.dumps(content).encode(),
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with self._opener.open(request, timeout=10) as answer:
            return dict(json.load(answer))
