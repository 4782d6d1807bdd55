"""The API server's answers, as errors whose class says what to do."""

import json

import pytest

from trainer_operator.cluster import translate
from trainer_operator.errors import Changed, ClusterError, NotFound, Refused, Unavailable


def status(message: str, *causes: str) -> str:
    details = {"causes": [{"reason": cause} for cause in causes]}
    return json.dumps({"kind": "Status", "message": message, "details": details})


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (404, status("not found"), NotFound),
        (409, status("the object has been modified"), Changed),
        (409, status("Apply failed with 1 conflict", "FieldManagerConflict"), Refused),
        (422, status("invalid"), Refused),
        (400, status("bad"), Refused),
        (403, status("exceeded quota"), Refused),
        (401, status("Unauthorized"), Unavailable),
        (429, status("later"), Unavailable),
        (500, "not JSON", Unavailable),
        (503, "[]", Unavailable),
    ],
)
def test_the_class_is_the_policy(code: int, text: str, kind: type[ClusterError]) -> None:
    assert type(translate("GET /x", code, text)) is kind


@pytest.mark.parametrize(("code", "for_good"), [(403, False), (422, True), (400, True)])
def test_a_quota_may_grow_and_an_invalid_object_stays_invalid(code: int, for_good: bool) -> None:
    error = translate("POST /x", code, status("why"))
    assert isinstance(error, Refused)
    assert error.for_good is for_good
    assert error.message == "why"


def test_the_request_is_named() -> None:
    assert "GET /x: HTTP 500: broken" in str(translate("GET /x", 500, "broken"))
    assert "HTTP 502" in str(translate("GET /x", 502, ""))
