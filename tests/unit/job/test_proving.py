import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from trainer_job import reasons
from trainer_job.errors import JobError, Unavailable, UnusableData
from trainer_job.proving import Proof

URL = "http://sensor-predictor.plant.svc:8080"
ANSWERS = [
    {"episode": "1", "mode": 2, "distance": 0.25},
    {"episode": "2", "mode": 0, "distance": 100.0},
]
GOLDEN = {"request": {"dataframe_split": {"columns": [], "data": []}}, "answers": ANSWERS}


def given(version: str = "7", **changed: Any) -> dict[str, Any]:
    """Return the body of an answer; `changed` changes its first prediction."""
    predictions = [answer | {"model_version": version} for answer in ANSWERS]
    predictions[0] = predictions[0] | changed
    return {"predictions": predictions}


def response(body: Any, status: int = 200) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer._content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return answer


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Proof]:
    """Return a proof whose predictor answers by a script; the last answer stays."""

    def proof(*script: requests.Response | Exception) -> Proof:
        left = list(script)
        now = [0.0]

        def post(url: str, **_: Any) -> requests.Response:
            assert url == f"{URL}/invocations"
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        def sleep(seconds: float) -> None:
            now[0] += seconds

        monkeypatch.setattr(requests, "post", post)
        return Proof(URL, "7", GOLDEN, patience=30, sleep=sleep, clock=lambda: now[0])

    return proof


def fault(proof: Proof) -> JobError:
    with pytest.raises(JobError) as caught:
        proof.wait()
    return caught.value


def test_right_answers_prove(scripted: Callable[..., Proof]) -> None:
    proof = scripted(response(given()))
    proof.wait()
    assert proof.clock() == 0  # at the first question


def test_a_service_that_is_not_up_yet_is_asked_again(scripted: Callable[..., Proof]) -> None:
    refused = requests.ConnectionError("Connection refused")
    proof = scripted(refused, response("starting", 503), response(given("6")), response(given()))
    proof.wait()
    assert proof.clock() == pytest.approx(3 * 0.5)  # a pause after each of the first three


def test_no_answer_in_time_is_unavailable(scripted: Callable[..., Proof]) -> None:
    error = fault(scripted(requests.ConnectionError("Connection refused")))
    assert type(error) is Unavailable
    assert error.reason == reasons.PREDICTOR_UNREACHABLE
    assert URL in error.message
    assert "Connection refused" in error.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (response(given("6")), "answers with version 6, not 7"),
        (response({"predictions": []}), "answers with version none, not 7"),
        (response({"error": "bad schema"}, 400), "answers 400"),
        (response([1, 2]), "does not answer as our models do"),
        (response({"predictions": [0, 1]}), "does not answer as our models do"),
        (response("<html>"), "does not answer as our models do"),
    ],
)
def test_other_answers_to_the_end_are_wrong(
    scripted: Callable[..., Proof], answer: requests.Response, words: str
) -> None:
    error = fault(scripted(answer))
    assert type(error) is UnusableData
    assert error.reason == reasons.WRONG_PREDICTIONS
    assert words in error.message
    assert "training.sensors.dev/model-version" in error.message


def test_wrong_answers_of_the_version_itself_are_final(scripted: Callable[..., Proof]) -> None:
    error = fault(scripted(response(given(mode=1)), response(given())))
    assert type(error) is UnusableData
    assert "episode 1: mode 1, not 2" in error.message


def test_two_versions_in_one_answer_prove_nothing(scripted: Callable[..., Proof]) -> None:
    error = fault(scripted(response(given(model_version="6"))))
    assert "answers with version 6, 7, not 7" in error.message
