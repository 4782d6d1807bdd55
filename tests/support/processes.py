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
    # The kernel ends the server with the thread that started it, also after a SIGKILL; but not what
    # the server has started, as MLflow's does its worker.
    command = ["setpriv", "--pdeathsig=KILL", *map(str, argv)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    with _guarded(process.pid):
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


@contextmanager
def _guarded(group: int) -> Iterator[None]:
    """End a process group as soon as this process is gone, which closes the guard's input."""
    guard = subprocess.Popen(
        ["sh", "-c", 'read -r _; kill -s KILL -- "-$1"', "guard", str(group)],
        stdin=subprocess.PIPE,
        start_new_session=True,  # what ends this process and its group must not end the guard
    )
    try:
        yield
    finally:
        guard.kill()  # before its input is closed: the group's number may be another's by now
        guard.communicate()


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
