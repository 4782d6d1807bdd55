from collections.abc import Callable
from typing import Any

import pytest
import requests
from mlflow.exceptions import MlflowException, RestException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

from trainer_job import reasons
from trainer_job.contract import TrackingSpec
from trainer_job.errors import BadConfiguration, JobError, Unavailable
from trainer_job.registry.tracking import NotFound, Tracking, address, connect, translate

URI = "http://mlflow:5000"


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def failing(times: int) -> Callable[[Any], str]:
    """Return a call that fails as an unreachable server does, and answers after that."""
    left = [times]

    def call(_: Any) -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise MlflowException("no route to host")
        return "answer"

    return call


def tracking(clock: Clock, patience: float = 20) -> Tracking:
    return Tracking(None, TrackingSpec(uri=URI), patience, clock.sleep, clock)


def test_what_may_be_repeated_is_repeated() -> None:
    clock = Clock()
    assert tracking(clock).ask(failing(3)) == "answer"
    assert clock.now == 0.5 + 1 + 2


def test_but_not_for_ever() -> None:
    clock = Clock()
    with pytest.raises(Unavailable, match="no route to host"):
        tracking(clock).ask(failing(1000))
    assert 15 <= clock.now <= 20


def test_what_creates_is_called_once() -> None:
    clock = Clock()
    with pytest.raises(Unavailable):
        tracking(clock).once(failing(1))
    assert clock.now == 0


def test_a_refusal_is_not_repeated() -> None:
    clock = Clock()
    calls = []

    def call(_: Any) -> None:
        calls.append(1)
        raise rest("INVALID_PARAMETER_VALUE")

    with pytest.raises(BadConfiguration):
        tracking(clock).ask(call)
    assert calls == [1]


def test_what_is_not_found_is_none_or_an_error() -> None:
    def call(_: Any) -> None:
        raise rest("RESOURCE_DOES_NOT_EXIST")

    assert tracking(Clock()).find(call) is None
    with pytest.raises(NotFound):
        tracking(Clock()).ask(call)


def rest(code: str, message: str = "the server's words") -> MlflowException:
    return RestException({"error_code": code, "message": message})


def http(status: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(f"{status} for url: http://mlflow:5000/x", response=response)


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (MlflowException("timed out"), Unavailable, reasons.TRACKING_UNAVAILABLE),
        (requests.ConnectionError("reset"), Unavailable, reasons.TRACKING_UNAVAILABLE),
        (rest("INTERNAL_ERROR"), Unavailable, reasons.TRACKING_UNAVAILABLE),
        (rest("TEMPORARILY_UNAVAILABLE"), Unavailable, reasons.TRACKING_UNAVAILABLE),
        (rest("REQUEST_LIMIT_EXCEEDED"), Unavailable, reasons.TRACKING_UNAVAILABLE),
        (http(503), Unavailable, reasons.TRACKING_UNAVAILABLE),
        (rest("PERMISSION_DENIED"), BadConfiguration, reasons.BAD_CREDENTIALS),
        (rest("UNAUTHENTICATED"), BadConfiguration, reasons.BAD_CREDENTIALS),
        (http(401), BadConfiguration, reasons.BAD_CREDENTIALS),
        (http(403), BadConfiguration, reasons.BAD_CREDENTIALS),
        (rest("INVALID_PARAMETER_VALUE"), BadConfiguration, reasons.TRACKING_REFUSED),
        (rest("RESOURCE_ALREADY_EXISTS"), BadConfiguration, reasons.TRACKING_REFUSED),
        (rest("RESOURCE_DOES_NOT_EXIST"), NotFound, reasons.TRACKING_REFUSED),
        (http(404), NotFound, reasons.TRACKING_REFUSED),
        (
            rest("PERMISSION_DENIED", "Invalid Host header - possible DNS rebinding attack"),
            BadConfiguration,
            reasons.TRACKING_REFUSED,
        ),
    ],
)
def test_errors_say_whether_a_retry_can_help(
    error: Exception, kind: type[JobError], reason: str
) -> None:
    fault = translate(error, URI)
    assert type(fault) is kind
    assert fault.reason == reason
    assert "http://mlflow:5000 (spec.tracking.uri)" in fault.message


def test_a_refused_user_is_told_what_to_check() -> None:
    message = translate(http(403), URI).message
    assert "MLFLOW_TRACKING_PASSWORD" in message
    assert "--allowed-hosts" in message


def test_the_cause_is_told_and_not_its_wrapping() -> None:
    error = MlflowException(
        "API request to http://mlflow:5000/api failed with exception HTTPConnectionPool(host="
        "'mlflow', port=5000): Max retries exceeded with url: /api (Caused by "
        "NewConnectionError('HTTPConnection(host=mlflow): Connection refused'))"
    )
    message = translate(error, URI).message
    assert message.endswith("Cause: HTTPConnection(host=mlflow): Connection refused")


def test_no_password_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "from-the-secret")
    error = MlflowException("http://me:pa@ss@mlflow:5000/api refused from-the-secret")
    message = translate(error, "http://me:pa@ss@mlflow:5000").message
    assert "from-the-secret" not in message
    assert "pa@ss" not in message
    assert "ss@" not in message


@pytest.mark.parametrize(
    ("uri", "bare"),
    [
        ("http://mlflow:5000/", "http://mlflow:5000"),
        ("https://me:secret@mlflow/base/", "https://mlflow/base"),
        ("http://me:se@cret@mlflow", "http://mlflow"),
        ("sqlite:////folder/mlflow.db", "sqlite:////folder/mlflow.db"),
    ],
)
def test_an_address_is_the_same_for_every_user(uri: str, bare: str) -> None:
    assert address(uri) == bare


@pytest.mark.parametrize(
    "uri", ["mlflow:5000", "127.0.0.1:5000", "mlruns", "http://", "http://[::1", "http://mlflow:x"]
)
def test_what_is_no_address_is_refused_by_name(uri: str) -> None:
    with pytest.raises(BadConfiguration, match=r"spec\.tracking\.uri") as caught:
        connect(TrackingSpec(uri=uri))
    assert caught.value.reason == reasons.INVALID_CONFIGURATION


@pytest.mark.parametrize("sign", ["/", "?", "#"])
def test_a_password_that_is_not_encoded_is_refused_and_not_told(sign: str) -> None:
    with pytest.raises(BadConfiguration, match="MLFLOW_TRACKING_PASSWORD") as caught:
        connect(TrackingSpec(uri=f"http://me:secret{sign}word@mlflow:5000"))
    assert "'http://mlflow:5000' is no address" in caught.value.message
    assert "word@" not in caught.value.message
    assert "secret" not in caught.value.message


def test_a_server_that_is_not_mlflow_is_told_apart() -> None:
    error = MlflowException(
        "API request to endpoint /api/2.0 failed with error code 404 != 200. Response body: "
        f"'<html>{'x' * 9000}</html>'",
        error_code=RESOURCE_DOES_NOT_EXIST,
    )
    fault = translate(error, URI)
    assert type(fault) is BadConfiguration
    assert "http://mlflow:5000 (spec.tracking.uri) is no MLflow server" in fault.message
    assert len(fault.message) < 700
