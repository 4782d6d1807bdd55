"""Stands between a client and the API server, sees every call, and disturbs those it is told to.

    with Proxy(plane.url, plane.authority.own.certificate) as proxy:
        operator = Operator(proxy.kubeconfig(kubeconfig, folder / "proxied"), folder)
        proxy.kill_after("POST jobs train", 1, operator.kill)

Plain HTTP on loopback; the client's token goes through as it is. All is done by a thread of its
own, so that a test may wait for what it has asked for.
"""

import asyncio
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from tests.support import calls
from tests.support.calls import Call, Match
from tests.support.processes import free_port

_HOP = {"connection", "host", "keep-alive", "transfer-encoding", "content-length", "upgrade"}
"""Headers that concern one connection, or that aiohttp sets by itself."""
_SECONDS = 30


@dataclass
class Trap:
    """Ends the client at one write, once.

    Attributes
    ----------
    name, occurrence
        Which write: the how-manieth of this name, or of any if it is empty, counted since the
        trap was set.
    after
        Whether the API server gets the write first; the client never gets the answer.
    kill
        Ends the client; it is gone when this returns.
    fired
        Set when it has.
    """

    name: str
    occurrence: int
    after: bool
    kill: Callable[[], object]
    fired: threading.Event = field(default_factory=threading.Event)
    seen: int = 0

    def catches(self, call: Call) -> bool:
        """Count a write, and say whether it is the one."""
        if self.fired.is_set() or not call.writes or self.name not in {"", call.name}:
            return False
        self.seen += 1
        return self.seen == self.occurrence


@dataclass
class Fault:
    """What happens to calls that match.

    Attributes
    ----------
    left
        How many more calls it happens to.
    met
        How many it has happened to.
    """

    match: Match
    left: float = float("inf")
    code: int | None = None
    retry_after: int | None = None
    seconds: float = 0.0
    silent: bool = False
    gate: asyncio.Event | None = None
    met: int = 0

    def meets(self, call: Call) -> bool:
        """Count a call that it happens to."""
        if self.left < 1 or not self.match(call):
            return False
        self.left -= 1
        self.met += 1
        return True


class Proxy:
    """A proxy of one API server, until the end of the ``with`` block.

    Parameters
    ----------
    upstream
        The API server's address.
    authority
        Its certificate authority; None where it speaks plain HTTP.

    Attributes
    ----------
    calls
        Every call so far, in the order of their arrival.
    made
        Objects that the API server has made, as it answered, also where the client never heard.
    """

    def __init__(self, upstream: str, authority: Path | None = None) -> None:
        self._upstream = upstream
        self._authority = authority
        self._port = free_port()
        self._loop = asyncio.new_event_loop()
        self._traps: list[Trap] = []
        self._faults: list[Fault] = []
        self._streams: set[asyncio.Transport] = set()
        self.calls: list[Call] = []
        self.made: list[dict[str, Any]] = []

    def __enter__(self) -> "Proxy":
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._wait(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()

    @property
    def url(self) -> str:
        """Return the address that stands for the API server's."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def writes(self) -> list[str]:
        """Return the names of the writes that the API server has taken."""
        return [each.name for each in self.calls if each.writes and (each.code or 500) < 300]

    def kubeconfig(self, source: Path, target: Path) -> Path:
        """Write a kubeconfig that leads here, with the user of another."""
        content = yaml.safe_load(source.read_text())
        for each in content["clusters"]:
            each["cluster"] = {"server": self.url}
        target.write_text(json.dumps(content))
        return target

    # Ends of the client ------------------------------------------------------------------------

    def kill_before(self, name: str, occurrence: int, kill: Callable[[], object]) -> Trap:
        """End the client when it asks for a write, which never reaches the API server."""
        return self._set(Trap(name, occurrence, False, kill))

    def kill_after(self, name: str, occurrence: int, kill: Callable[[], object]) -> Trap:
        """End the client when the API server has done a write, before the answer arrives."""
        return self._set(Trap(name, occurrence, True, kill))

    def _set(self, trap: Trap) -> Trap:
        self._traps.append(trap)
        return trap

    # Disturbances ------------------------------------------------------------------------------

    def answer(
        self, code: int, match: Match, times: float = 1, retry_after: int | None = None
    ) -> Fault:
        """Answer calls with an error, in the API server's place."""
        return self._add(Fault(match, left=times, code=code, retry_after=retry_after))

    def delay(self, match: Match, seconds: float) -> Fault:
        """Have calls wait before they are passed on."""
        return self._add(Fault(match, seconds=seconds))

    def hold(self, match: Match, times: float = 1) -> Callable[[], None]:
        """Have calls wait until the function that is returned is called."""
        gate = asyncio.Event()
        self._add(Fault(match, left=times, gate=gate))
        return lambda: self._call(gate.set)

    def blackhole(self, match: Match) -> Fault:
        """Let calls never be answered, and streams never say anything more."""
        return self._add(Fault(match, silent=True))

    def end(self, fault: Fault) -> None:
        """Let a disturbance be over."""
        self._faults.remove(fault)

    def drop_watches(self) -> int:
        """Cut the streams of changes that are open; return how many."""
        streams = list(self._streams)
        for stream in streams:
            self._call(stream.abort)
        return len(streams)

    def _add(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault

    # The server --------------------------------------------------------------------------------

    async def _start(self) -> None:
        context = ssl.create_default_context(cafile=self._authority)
        self._session = ClientSession(
            connector=TCPConnector(limit=0, ssl=context),
            timeout=ClientTimeout(total=None, connect=5),
            auto_decompress=False,
            trust_env=False,
        )
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def _stop(self) -> None:
        for stream in list(self._streams):
            stream.abort()
        await self._runner.cleanup()
        await self._session.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:  # of clients that are gone, or were never answered
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        call = calls.read(request.method, request.path, request.query, body)
        self.calls.append(call)
        trap = next((each for each in list(self._traps) if each.catches(call)), None)
        if trap and not trap.after:
            return self._end(trap, request)
        if answer := await self._disturb(call, request):
            return answer
        try:
            return await self._forward(call, request, body, trap)
        except (ClientError, OSError):  # the API server is away: so are we
            _cut(request)
            return web.Response(status=503)

    async def _disturb(self, call: Call, request: web.BaseRequest) -> web.StreamResponse | None:
        for fault in list(self._faults):
            if not fault.meets(call):
                continue
            if fault.silent:
                await asyncio.Event().wait()  # until the proxy ends
            if fault.gate:
                await fault.gate.wait()
            await asyncio.sleep(fault.seconds)
            if fault.code:
                return _refusal(fault.code, fault.retry_after)
        return None

    async def _forward(
        self, call: Call, request: web.BaseRequest, body: bytes, trap: Trap | None
    ) -> web.StreamResponse:
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP}
        async with self._session.request(
            request.method, self._upstream + request.raw_path, data=body or None, headers=headers
        ) as upstream:
            call.code = upstream.status
            kept = {k: v for k, v in upstream.headers.items() if k.lower() not in _HOP}
            if call.watch:
                answer = web.StreamResponse(status=upstream.status, headers=kept)
                await self._stream(call, request, answer, upstream.content)
                return answer
            content = await upstream.read()
        if call.method == "POST" and call.code == 201:
            self.made.append(json.loads(content))
        if trap:
            return self._end(trap, request)
        return web.Response(status=call.code, headers=kept, body=content)

    async def _stream(
        self, call: Call, request: web.BaseRequest, answer: web.StreamResponse, content: Any
    ) -> None:
        if (transport := request.transport) is None:
            return
        self._streams.add(transport)
        try:
            await answer.prepare(request)
            async for part in content.iter_any():
                if not any(fault.silent and fault.match(call) for fault in self._faults):
                    await answer.write(part)
        finally:
            self._streams.discard(transport)

    def _end(self, trap: Trap, request: web.BaseRequest) -> web.Response:
        trap.kill()
        trap.fired.set()
        _cut(request)
        return web.Response(status=503)

    def _call(self, function: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(function)

    def _wait(self, work: Any) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)
        done.result(_SECONDS)


def numbered(names: list[str]) -> list[tuple[str, int]]:
    """Return names with how often each was there so far, itself included."""
    counts: Counter[str] = Counter()
    found = []
    for name in names:
        counts[name] += 1
        found.append((name, counts[name]))
    return found


def _cut(request: web.BaseRequest) -> None:
    if request.transport:
        request.transport.abort()


def _refusal(code: int, retry_after: int | None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    return web.json_response(
        {**status, "message": f"the test says {code}", "reason": "Test"},
        status=code,
        headers=headers,
    )
