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
        self._write(f"{step.note or f'{time.monotonic() - began:6.1f} s'}\n")

    def say(self, text: str) -> None:
        """Print a line of its own."""
        self._write(f"{text}\n")

    def total(self, text: str) -> None:
        """End the table."""
        self._write(f"  {text:<{_WIDTH}} {time.monotonic() - self._began:6.1f} s\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
