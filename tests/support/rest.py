"""An administrator's calls to an API server, without a process for each."""

import json
from typing import Any

import requests

from hack.cluster.controlplane import ControlPlane

Object = dict[str, Any]

AWAY = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
"""What is raised where the server is not there."""
_MERGE = {"Content-Type": "application/merge-patch+json"}
_SECONDS = 10


class Rest:
    """A client of one control plane; threads may share it.

    Parameters
    ----------
    plane
        The control plane.
    user
        Name of the administrator.
    """

    def __init__(self, plane: ControlPlane, user: str) -> None:
        self.url = plane.url
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy: the server is on this machine
        self.session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=32))
        self.session.verify = str(plane.authority.own.certificate)
        pair = plane.authority.client(user, user, "system:masters")
        self.session.cert = (str(pair.certificate), str(pair.key))

    def get(self, path: str, **query: str) -> Object:
        """Return an object or a list.

        Raises
        ------
        requests.HTTPError
            If the server refuses.
        """
        return self._json(self.session.get(self.url + path, params=query, timeout=_SECONDS))

    def items(self, path: str, **query: str) -> list[Object]:
        """Return the items of a list."""
        found: list[Object] = self.get(path, **query)["items"]
        return found

    def create(self, path: str, body: Object) -> Object:
        """Create an object; raises as :meth:`get` does."""
        return self._json(self.session.post(self.url + path, json=body, timeout=_SECONDS))

    def delete(self, path: str) -> Object:
        """Delete an object; raises as :meth:`get` does."""
        return self._json(self.session.delete(self.url + path, timeout=_SECONDS))

    def merge(self, path: str, body: Object) -> int:
        """Merge something into an object and return the status of the answer."""
        answer = self.session.patch(
            self.url + path, data=json.dumps(body), headers=_MERGE, timeout=_SECONDS
        )
        return answer.status_code

    def _json(self, answer: requests.Response) -> Object:
        answer.raise_for_status()
        found: Object = answer.json()
        return found
