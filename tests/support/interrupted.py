"""MLflow clients that are real, but for what happens right after one call."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mlflow.exceptions import MlflowException

from trainer_job.registry.tracking import Tracking


class Killed(BaseException):
    """The process ends here."""


def die() -> None:
    """End as a process does that is killed: nothing in between can handle it."""
    raise Killed


def lose_reply() -> None:
    """End as MLflow's client does when the reply does not come."""
    raise MlflowException("API request failed with exception: timed out")


def interrupted(tracking: Tracking, method: str, then: Callable[[], None]) -> Tracking:
    """Return a tracking that calls `then` right after the first success of a client's method."""
    return replace(tracking, client=_Interrupted(tracking.client, method, then))


class _Interrupted:
    def __init__(self, client: Any, method: str, then: Callable[[], None]) -> None:
        self._client = client
        self._method = method
        self._then = then
        self._done = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name != self._method or self._done:
            return real

        def call(*args: Any, **keywords: Any) -> None:
            real(*args, **keywords)
            self._done = True
            self._then()

        return call
