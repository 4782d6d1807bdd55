"""Logging of the operator: one JSON object a line, or text for people.

What is logged during a look at a run names it, whoever logs it.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple


class About(NamedTuple):
    """The run that is looked at."""

    namespace: str
    run: str
    uid: str


_about: ContextVar[About | None] = ContextVar("about", default=None)


@contextmanager
def about(namespace: str, run: str, uid: str) -> Iterator[None]:
    """Name a run on every line until the end of the block."""
    token = _about.set(About(namespace, run, uid))
    try:
        yield
    finally:
        _about.reset(token)


class JsonFormatter(logging.Formatter):
    """One line of JSON a record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON; a traceback becomes a field of it."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if found := _about.get():
            line |= found._asdict()
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A line for people; the run stands before the message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(about)s%(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        found = _about.get()
        record.about = f"[{found.namespace}/{found.run} {found.uid[:8]}] " if found else ""
        return super().format(record)


def configure(kind: Literal["json", "text"]) -> None:
    """Send every record of level INFO and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if kind == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # kopf tells of every event that it saw; what became of a run is told by the reconciler.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # each probe
