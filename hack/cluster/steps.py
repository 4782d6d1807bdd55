"""One line a step: what was done and how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_WIDTH = 44


class Step:
    """One step in progress; `note` replaces the time shown, as in "cached"."""

    def __init__(self) -> None:
        self.note: str | None = None

    def cached(self) -> None:
        """Say that there was nothing to do."""
        self.note = "cached"


class Steps:
    """Prints the steps of one command as they happen."""

    def __init__(self, out: TextIO | None = None) -> None:
        # Standard error, so that `$(python3 -m hack.cluster bin)` gets the folder alone.
        self._out = out or sys.stderr
        self._began = time.monotonic()
        self._done: list[tuple[str, float]] = []

    @contextmanager
    def timed(self, title: str) -> Iterator[None]:
        """Time what happens inside, and prints its own lines, for the table."""
        began = time.monotonic()
        yield
        self._done.append((title, time.monotonic() - began))

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Time what happens inside; the line is begun before, so that a long step is seen."""
        self._write(f"  {title:<{_WIDTH}} ")
        began = time.monotonic()
        step = Step()
        try:
            yield step
        except BaseException:
            self._write(f"failed after {time.monotonic() - began:.1f} s\n")
            raise
        took = time.monotonic() - began
        self._done.append((title, took))
        self._write(f"{step.note or f'{took:6.1f} s'}\n")

    def say(self, text: str) -> None:
        """Print a line of its own."""
        self._write(f"{text}\n")

    def total(self, text: str) -> None:
        """Print how long everything took so far."""
        self._write(_row(text, time.monotonic() - self._began))

    def table(self, total: str) -> None:
        """Print every step again with its time, and the whole."""
        for title, took in self._done:
            self._write(_row(title, took))
        self.total(total)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _row(title: str, seconds: float) -> str:
    return f"  {title:<{_WIDTH}} {seconds:6.1f} s\n"
