"""Requests to the API server, with as little between them and the socket as can be.

The client's own configuration says where the server is and who asks; its generated calls are not
used, since they cost more than half of the operator's time.
"""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from kubernetes.aio.client.configuration import Configuration
from yarl import URL

from trainer_operator.errors import Changed, ClusterError, Expired, NotFound, Refused, Unavailable

Object = dict[str, Any]

_CONNECT, _TOTAL = 5.0, 15.0
"""Seconds to connect, and for the whole of a request."""
_SILENCE = 90.0
"""Seconds without a word after which a watch is given up: bookmarks come each minute."""
_LONGEST_PAUSE = 5.0


class Call(NamedTuple):
    """A request and how it went."""

    method: str
    path: str
    code: int
    """HTTP status; 0 where nobody answered."""
    seconds: float
    watch: bool = False


class Session:
    """A connection to the API server.

    Parameters
    ----------
    configuration
        Where it is, and who asks.

    Attributes
    ----------
    fence
        Called before each write; it raises, or ends the process, where this one may not write.
    told
        Called after each request.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.fence: Callable[[], None] = lambda: None
        self.told: Callable[[Call], None] = lambda call: None
        self._url = URL(str(configuration.host))
        self._open: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._open:
            await self._open.close()

    async def text(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any],
        content: str = "application/json",
        accept: str = "application/json, */*",
        fenced: bool = True,
    ) -> str:
        """Send a request and return the answer's body.

        Raises
        ------
        ClusterError
            If it was refused, or nobody answered.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, "Content-Type": content}
        timeout = aiohttp.ClientTimeout(total=_TOTAL, connect=_CONNECT)
        for last in (False, True):
            if fenced and method != "GET":
                self.fence()
            async with self._request(method, path, query, headers, timeout, data) as answer:
                text = (await answer.read()).decode(errors="replace")
            if answer.status < 400:
                return text
            if answer.status != 429 or last:
                break
            await asyncio.sleep(_pause(answer.headers.get("Retry-After", "")))
        raise translate(f"{method} {path}", answer.status, text)

    async def lines(
        self, path: str, query: Mapping[str, Any], accept: str, alive: Callable[[], None]
    ) -> AsyncGenerator[bytes, None]:
        """Yield the lines of an answer that goes on; `alive` is called for each piece of it."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE)
        headers = {"Accept": accept}
        async with self._request("GET", path, query, headers, timeout, None) as answer:
            if answer.status >= 400:
                text = (await answer.read()).decode(errors="replace")
                raise translate(f"GET {path}", answer.status, text)
            alive()
            rest = b""
            async for piece in answer.content.iter_any():
                alive()
                *whole, rest = (rest + piece).split(b"\n")
                for line in whole:
                    yield line

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own, for each of its steps
        data: bytes | None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        began, code = time.monotonic(), 0
        try:
            token = await self.configuration.get_api_key_with_prefix("BearerToken")
            sent = {**headers, "Authorization": token} if token else headers
            async with self._http().request(
                method,
                self._url.joinpath(path[1:], encoded=True),
                params={key: str(value) for key, value in query.items()},
                headers=sent,
                data=data,
                timeout=timeout,
                proxy=self.configuration.proxy,
            ) as answer:
                code = answer.status
                yield answer
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            told = f"{method} {path}: {error or type(error).__name__}"
            raise Unavailable(told) from error
        finally:
            self.told(Call(method, path, code, time.monotonic() - began, "watch" in query))

    def _http(self) -> aiohttp.ClientSession:
        if self._open is None:
            # Without a limit: each watch holds a connection, and looks are limited anyway.
            connector = aiohttp.TCPConnector(limit=0, ssl=_security(self.configuration))
            self._open = aiohttp.ClientSession(connector=connector)
        return self._open


def _security(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(
        cafile=configuration.ssl_ca_cert, cadata=configuration.ca_cert_data
    )
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.disable_strict_ssl_verification:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _pause(retry_after: str) -> float:
    return min(float(retry_after), _LONGEST_PAUSE) if retry_after.isdigit() else 1.0


def translate(what: str, status: int, text: str) -> ClusterError:
    """Return the error for an answer of the API server.

    Parameters
    ----------
    what
        The request, for people.
    status
        HTTP status, 400 or more.
    text
        Body of the answer: a Status object, as a rule.
    """
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    message = str(answer.get("message") or text[:300] or f"HTTP {status}")
    causes = (answer.get("details") or {}).get("causes") or ()
    if gone := {404: NotFound, 410: Expired}.get(status):
        return gone(f"{what}: {message}")
    if status == 409:
        if any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
            return Refused(message, for_good=True)
        return Changed(f"{what}: {message}")
    if status in {400, 413, 422}:
        return Refused(message, for_good=True)
    if status == 403:
        return Refused(message, for_good=False)
    return Unavailable(f"{what}: HTTP {status}: {message}")
