"""The MLflow server: calls that end in bounded time, and its errors as ours."""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from mlflow import MlflowClient
from mlflow.exceptions import InvalidUrlException, MlflowException

from trainer_job import reasons
from trainer_job.contract import TrackingSpec
from trainer_job.errors import BadConfiguration, JobError, Unavailable, redact, without_userinfo

PATIENCE = 20.0
"""Seconds for which a call is tried again; the last try may take a time-out longer."""

_CAUSE = re.compile(r"\(Caused by \w+\((.*)\)\)$")
_FAULTS = (MlflowException, requests.RequestException)

T = TypeVar("T")


@dataclass(frozen=True)
class Tracking:
    """A server that answered, and the experiment to write to.

    Attributes
    ----------
    client : mlflow.MlflowClient
    spec
        Where it is.
    patience, sleep, clock
        Bound of the retries, and seams for tests.
    experiment
        Id of the experiment, where it existed when the server was connected to.
    """

    client: Any
    spec: TrackingSpec
    patience: float = PATIENCE
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    experiment: str | None = None

    @property
    def address(self) -> str:
        """The server's URI without credentials: the same for every user of it."""
        return address(self.spec.uri)

    def ask(self, call: Callable[[Any], T]) -> T:
        """Make a call that may be repeated: one that reads, or sets what it sets again.

        Raises
        ------
        Unavailable
            If the server does not answer in time.
        BadConfiguration
            If it refuses.
        """
        end = self.clock() + self.patience
        wait = 0.5
        while True:
            try:
                return self.once(call)
            except Unavailable:
                if self.clock() + wait > end:
                    raise
            self.sleep(wait)
            wait = min(wait * 2, 5.0)

    def find(self, call: Callable[[Any], T]) -> T | None:
        """Make a call that reads one thing by its name; None where there is none."""
        try:
            return self.ask(call)
        except NotFound:
            return None

    def once(self, call: Callable[[Any], T]) -> T:
        """Make a call that must not be repeated blindly: one that creates."""
        try:
            return call(self.client)
        except _FAULTS as error:
            # Without its cause, whose text may hold the URI's password.
            raise translate(error, self.spec.uri) from None


class NotFound(BadConfiguration):
    """The server knows nothing of this name."""


def connect(
    spec: TrackingSpec,
    patience: float = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Tracking:
    """Return a server that answers and whose experiment can be used, or does not exist yet.

    Called before any data is read, so that an unreachable server leaves nothing behind.

    Parameters
    ----------
    spec
        Where it is, and the experiment's name.
    patience
        Seconds for which an unreachable server is tried again.
    sleep, clock
        Seams for tests.

    Raises
    ------
    BadConfiguration
        If the server refuses, or the experiment was deleted.
    Unavailable
        If it does not answer in time.
    """
    _require_address(spec.uri)
    # Hints for people who log models by hand.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    try:
        client = MlflowClient(tracking_uri=spec.uri, registry_uri=spec.uri)
    except MlflowException as error:
        raise translate(error, spec.uri) from None
    tracking = Tracking(client, spec, patience, sleep, clock)
    return replace(tracking, experiment=experiment_id(tracking))


def experiment_id(tracking: Tracking) -> str | None:
    """Return the id of the experiment, None where it does not exist.

    Raises
    ------
    BadConfiguration
        If it was deleted: its name is taken, but nothing can be written to it.
    """
    if tracking.experiment is not None:
        return tracking.experiment
    name = tracking.spec.experiment
    found = tracking.ask(lambda client: client.get_experiment_by_name(name))
    if found is None:
        return None
    if found.lifecycle_stage != "active":
        raise BadConfiguration(
            reasons.TRACKING_REFUSED,
            f"The experiment {name} was deleted on the MLflow server at {tracking.address}. "
            f"Restore it (mlflow experiments restore --experiment-id {found.experiment_id}), or "
            "set another spec.tracking.experiment.",
        )
    return str(found.experiment_id)


def address(uri: str) -> str:
    """Return a URI without user, password and trailing slash."""
    return without_userinfo(uri).rstrip("/")


def translate(error: Exception, uri: str) -> JobError:
    """Return what an error of MLflow's client means for the run; never with a password."""
    status = _status(error)
    said = _said(error)
    where = f"The MLflow server at {address(uri)} (spec.tracking.uri)"
    if status is None or status >= 500 or status in {408, 429, 499}:
        return Unavailable(
            reasons.TRACKING_UNAVAILABLE,
            f"{where} is unavailable. Check the address, and that the server runs and can be "
            f"reached from here. Cause: {said}",
        )
    if "host header" in said.lower():
        return BadConfiguration(
            reasons.TRACKING_REFUSED,
            f"{where} refuses this name of itself. Start it with --allowed-hosts that include "
            f"the name and port. It said: {said}",
        )
    if status in {401, 403}:
        return BadConfiguration(
            reasons.BAD_CREDENTIALS,
            f"{where} refused the user, the password or a right (status {status}). Check "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, in "
            "the Secret of spec.tracking.secretRef, and the server's --allowed-hosts. It said: "
            f"{said}",
        )
    if status == 404 and isinstance(error, MlflowException) and "Response body" in said:
        # Whatever answers has its own page for what it does not know.
        return BadConfiguration(
            reasons.TRACKING_REFUSED,
            f"What answers at {address(uri)} (spec.tracking.uri) is no MLflow server. Check host, "
            f"port and path. It said: {said}",
        )
    kind = NotFound if status == 404 else BadConfiguration
    return kind(reasons.TRACKING_REFUSED, f"{where} refused a request: {said}")


def _require_address(uri: str) -> None:
    """Refuse what MLflow would take for a folder, or name unclearly.

    Raises
    ------
    BadConfiguration
        If it is no URI.
    """
    try:
        parts = urlsplit(uri)
        # Looking at the port is what finds a password that is not percent-encoded.
        usable = bool(parts.hostname and parts.port != 0) or not uri.startswith("http")
    except ValueError:
        usable = False
    if not usable or "://" not in uri:
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            f"{address(uri)!r} is no address of an MLflow server (spec.tracking.uri). Write it as "
            "in http://mlflow:5000, with credentials in MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD.",
        )


def _said(error: Exception) -> str:
    """Return the first line of an error, or the cause in it, without passwords."""
    line = str(error).strip().partition("\n")[0]
    cause = _CAUSE.search(line)
    # Cut after the redaction, which must see a password whole; some answer with a page of HTML.
    return redact(cause[1].strip("\"'") if cause else line)[:500]


def _status(error: Exception) -> int | None:
    """Return the HTTP status that an error stands for, None where no answer came."""
    if isinstance(error, InvalidUrlException):
        return 400
    if isinstance(error, MlflowException):
        return int(error.get_http_status_code())
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)
