"""Starts a process again as soon as it has ended, as the kubelet does with a container."""

import threading
from types import TracebackType
from typing import Protocol

_PAUSE = 0.05


class Restartable(Protocol):
    """What can be started again after it has ended."""

    @property
    def running(self) -> bool:
        """Say whether it has not ended."""

    def start(self) -> None:
        """Start it."""

    def kill(self) -> None:
        """End it and wait until it is gone."""


class Supervisor:
    """Keeps a process running until the end of the ``with`` block, which ends it.

    Attributes
    ----------
    starts
        How often it was started.
    """

    def __init__(self, process: Restartable) -> None:
        self._process = process
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self.starts = 0

    def __enter__(self) -> "Supervisor":
        # In one thread, which lives as long as it: the kernel ends it with who has started it.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(30)
        if self._failure:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                if self.starts == 0 or not self._process.running:
                    self._process.start()
                    self.starts += 1
                self._over.wait(_PAUSE)
            self._process.kill()
        except BaseException as failure:
            self._failure = failure
