"""The proxy of the tests: it names what it sees, and disturbs exactly what it is told to."""

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support import calls
from tests.support.calls import named
from tests.support.processes import wait_for
from tests.support.proxy import Proxy, numbered

RUNS = "/apis/training.sensors.dev/v1alpha1/namespaces/plant/trainingruns"
JOBS = "/apis/batch/v1/namespaces/plant/jobs"
TRAIN = {"metadata": {"labels": {"training.sensors.dev/task": "train"}}}


class Upstream(ThreadingHTTPServer):
    """Takes every call; a watch says one line each 50 ms."""

    daemon_threads = True

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Upstream

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path))
        self.send_response(200)
        self.end_headers()
        if "watch=true" not in self.path:
            self.wfile.write(b"{}")
            return
        while True:
            self.wfile.write(b"{}\n")
            time.sleep(0.05)

    def do_POST(self) -> None:
        self.server.seen.append((self.command, self.path))
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[Proxy]:
    with Proxy(upstream.url) as proxy:
        yield proxy


def ask(proxy: Proxy, method: str, path: str, body: object = None, seconds: float = 5) -> int:
    """Return the status of an answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(proxy.url + path, data=data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def read_on(stream: http.client.HTTPResponse) -> None:
    while stream.readline():
        pass
    raise ConnectionError("the stream is over")


@pytest.mark.parametrize(
    ("method", "path", "body", "name", "writes"),
    [
        ("PUT", f"{RUNS}/a/status", {"status": {"phase": "Running"}}, "Running", True),
        ("PATCH", f"{RUNS}/a", {"metadata": {"finalizers": ["f"]}}, "hold", True),
        ("PATCH", f"{RUNS}/a", {"metadata": {"finalizers": None}}, "let go", True),
        ("POST", JOBS, TRAIN, "train", True),
        ("GET", f"{JOBS}/b", None, "", False),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/n/leases/l", {}, "", False),
    ],
)
def test_a_call_is_named_by_what_it_does(
    method: str, path: str, body: object, name: str, writes: bool
) -> None:
    call = calls.read(method, path, {}, json.dumps(body).encode())
    assert call.name == f"{method} {calls.resource(path)} {name}".strip()
    assert call.writes is writes


def test_a_decision_is_part_of_the_name() -> None:
    body = {"status": {"phase": "Promoting", "decision": {"outcome": "Promoted"}}}
    call = calls.read("PUT", f"{RUNS}/a/status", {}, json.dumps(body).encode())
    assert call.name == "PUT trainingruns/status Promoting Promoted"


@pytest.mark.parametrize(
    ("annotations", "apply", "name"),
    [
        ({"training.sensors.dev/run": "u"}, True, "claim"),
        ({}, True, "apply"),
        ({}, False, "release"),
    ],
)
def test_patches_of_a_deployment_are_told_apart(
    annotations: dict[str, str], apply: bool, name: str
) -> None:
    body: dict[str, object] = {"metadata": {"annotations": annotations}}
    if apply:
        body["apiVersion"] = "apps/v1"
    path = "/apis/apps/v1/namespaces/plant/deployments/d"
    call = calls.read("PATCH", path, {}, json.dumps(body).encode())
    assert call.name == f"PATCH deployments {name}"


def test_what_is_made_is_remembered(proxy: Proxy, upstream: Upstream) -> None:
    assert ask(proxy, "POST", JOBS, TRAIN) == 201
    assert ask(proxy, "GET", JOBS) == 200
    assert upstream.seen == [("POST", JOBS), ("GET", JOBS)]
    assert proxy.made == [TRAIN]
    assert proxy.writes == ["POST jobs train"]


def test_a_client_that_ends_before_its_write_has_not_written(
    proxy: Proxy, upstream: Upstream
) -> None:
    ends: list[str] = []
    trap = proxy.kill_before("POST jobs train", 2, lambda: ends.append("end"))
    assert ask(proxy, "POST", JOBS, TRAIN) == 201
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(proxy, "POST", JOBS, TRAIN)
    assert ends == ["end"]
    assert trap.fired.is_set()
    assert len(upstream.seen) == 1
    assert ask(proxy, "POST", JOBS, TRAIN) == 201  # once only


def test_a_client_that_ends_after_its_write_has_written(proxy: Proxy, upstream: Upstream) -> None:
    ends: list[int] = []
    proxy.kill_after("POST jobs train", 1, lambda: ends.append(len(upstream.seen)))
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(proxy, "POST", JOBS, TRAIN)
    assert ends == [1]
    assert proxy.made == [TRAIN]


def test_an_error_is_answered_as_often_as_told(proxy: Proxy, upstream: Upstream) -> None:
    fault = proxy.answer(429, named("POST jobs"), times=2, retry_after=1)
    assert [ask(proxy, "POST", JOBS, TRAIN) for _ in range(3)] == [429, 429, 201]
    assert fault.met == 2
    assert ask(proxy, "GET", JOBS) == 200
    assert len(upstream.seen) == 2


def test_a_call_can_be_slow(proxy: Proxy) -> None:
    fault = proxy.delay(calls.writes, 0.3)
    begun = time.monotonic()
    assert ask(proxy, "POST", JOBS, TRAIN) == 201
    assert time.monotonic() - begun >= 0.3
    proxy.end(fault)
    assert fault.met == 1


def test_a_call_can_be_held(proxy: Proxy, upstream: Upstream) -> None:
    release = proxy.hold(named("POST jobs"))
    with pytest.raises(TimeoutError):
        ask(proxy, "POST", JOBS, TRAIN, seconds=0.3)
    assert upstream.seen == []
    release()
    wait_for(lambda: upstream.seen, "the call that was held", 5)


def test_watches_can_be_cut_or_silenced(proxy: Proxy) -> None:
    url = f"{proxy.url}{RUNS}?watch=true"
    with urllib.request.urlopen(url, timeout=2) as stream:
        assert stream.readline() == b"{}\n"
        assert proxy.drop_watches() == 1
        with pytest.raises((OSError, http.client.HTTPException)):
            read_on(stream)
    with urllib.request.urlopen(url, timeout=0.5) as stream:
        assert stream.readline() == b"{}\n"
        fault = proxy.blackhole(calls.watches)
        with pytest.raises(TimeoutError):
            read_on(stream)
        proxy.end(fault)


def test_a_kubeconfig_leads_to_it(proxy: Proxy, tmp_path: Path) -> None:
    cluster = {"server": "https://10.0.0.1", "certificate-authority-data": "eA=="}
    source = tmp_path / "source"
    user = {"name": "u", "user": {"token": "t"}}
    content = {"clusters": [{"name": "c", "cluster": cluster}], "users": [user]}
    source.write_text(json.dumps(content))
    found = json.loads(proxy.kubeconfig(source, tmp_path / "target").read_text())
    assert found["clusters"] == [{"name": "c", "cluster": {"server": proxy.url}}]
    assert found["users"] == [user]


def test_writes_are_numbered_within_their_name() -> None:
    assert numbered(["a", "b", "a"]) == [("a", 1), ("b", 1), ("a", 2)]
