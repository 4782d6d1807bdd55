"""Servers that tests start: each ends with the process that started it, however that ends."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(
    argv: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    seconds: float = 60,
    end: signal.Signals = signal.SIGKILL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the end of the block; wait first until it is ready.

    At the end the server and all that it started get the signal `end`, and SIGKILL if that is
    not enough.
    """
    # The kernel ends the server with the thread that started it, also after a SIGKILL.
    command = ["setpriv", "--pdeathsig=KILL", *map(str, argv)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_for(ready, str(argv[0]), seconds, lambda: _ended(process, log))
        yield process
    finally:
        os.killpg(process.pid, end)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def wait_for(
    ready: Callable[[], object],
    what: str,
    seconds: float = 60,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Ask until something is true, for a bounded time."""
    end = time.monotonic() + seconds
    while not ready():
        check()
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


def _ended(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise AssertionError(f"{process.args!r} ended with {process.returncode}:\n{last}")
