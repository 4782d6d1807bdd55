"""The API server's answers, as errors whose class says what to do."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kubernetes.aio.client.api_client import ApiClient

from trainer_operator.cluster import Cluster, translate
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


class Pages:
    """An API server that answers a list in pages; it writes down the queries."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = [json.dumps(page) for page in self._linked(pages)]
        self.asked: list[dict[str, Any]] = []

    @staticmethod
    def _linked(pages: tuple[list[str], ...]) -> list[dict[str, Any]]:
        last = len(pages) - 1
        return [
            {
                "metadata": {} if number == last else {"continue": f"after {number}"},
                "items": [{"metadata": {"name": name}} for name in page],
            }
            for number, page in enumerate(pages)
        ]

    async def param_serialize(self, **request: Any) -> tuple[str]:
        self.asked.append(dict(request["query_params"]))
        return (request["resource_path"],)

    async def call_api(self, path: str, **_: Any) -> SimpleNamespace:
        text = self.pages.pop(0).encode()

        async def read() -> bytes:
            return text

        return SimpleNamespace(status=200, read=read)


async def test_a_list_is_read_page_by_page() -> None:
    api = Pages(["a", "b"], ["c"], [])
    found = await Cluster(cast("ApiClient", api)).list_pods("plant", "app=x")
    assert [each["metadata"]["name"] for each in found] == ["a", "b", "c"]
    assert [each.get("continue") for each in api.asked] == [None, "after 0", "after 1"]
    assert {each["labelSelector"] for each in api.asked} == {"app=x"}
    assert {each["limit"] for each in api.asked} == {500}


async def test_a_short_list_is_one_request() -> None:
    api = Pages(["a"])
    await Cluster(cast("ApiClient", api)).list_runs()
    assert len(api.asked) == 1
