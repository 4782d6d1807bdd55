"""What the kubelet and Prometheus ask: whether it lives, whether it is ready, and how it does."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Problems = Callable[[], list[str]]
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Server:
    """Answers on a port of its own.

    Parameters
    ----------
    alive, ready
        Return what is wrong; nothing if all is well.
    metrics
        Returns what Prometheus reads.
    """

    def __init__(self, alive: Problems, ready: Problems, metrics: Callable[[], bytes]) -> None:
        app = web.Application()
        app.router.add_get("/healthz", _probe(alive))
        app.router.add_get("/readyz", _probe(ready))
        app.router.add_get("/metrics", _metrics(metrics))
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)

    async def start(self, port: int) -> None:
        """Listen on every address."""
        await self._runner.setup()
        await web.TCPSite(self._runner, None, port).start()

    async def close(self) -> None:
        """Stop to listen."""
        await self._runner.cleanup()


def _probe(problems: Problems) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        found = problems()
        text = "\n".join(found) or "ok"
        return web.Response(status=503 if found else 200, text=f"{text}\n")

    return answer


def _metrics(read: Callable[[], bytes]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=read(), headers={"Content-Type": _METRICS})

    return answer
