"""Leads the job's questions to a Service's address to whoever stands in for its pods."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

Answer = Callable[[str, str, str], str]
"""(service, namespace, body) → body of the answer, "" where nobody answers."""


class Gateway:
    """An HTTP proxy until the end of the ``with`` block: HTTP_PROXY leads to it.

    Parameters
    ----------
    answer
        Answers for ``http://<service>.<namespace>.svc:<port>/invocations``.
    """

    def __init__(self, answer: Answer) -> None:
        self._server = _Server(answer)

    def __enter__(self) -> "Gateway":
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of a process that asks through it."""
        url = f"http://127.0.0.1:{self._server.server_port}"
        return {"HTTP_PROXY": url, "http_proxy": url, "NO_PROXY": "127.0.0.1,localhost"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        service, namespace, *_ = [*(urlsplit(self.path).hostname or "").split("."), ""]
        content = self.server.answer(service, namespace, body).encode()
        self.send_response(200 if content else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
