"""Decisions are pure: whatever they know of the time is given to them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import trainer_operator

PACKAGE = Path(trainer_operator.__file__).parent
PURE = [
    *PACKAGE.glob("reconcile/*.py"),
    *PACKAGE.glob("resources/*.py"),
    *(
        PACKAGE / f"{name}.py"
        for name in (
            "conditions",
            "events",
            "leading",
            "models",
            "observed",
            "pruning",
            "reasons",
            "store",
        )
    ),
]
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "sleep", "perf_counter"}


def clocks(source: str) -> Iterator[str]:
    """Yield the calls that ask what time it is."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            if module == "time":
                yield f"line {node.lineno}: import of time"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = node.func
            if called.attr in CLOCKS:
                yield f"line {node.lineno}: {ast.unparse(called)}()"


@pytest.mark.parametrize("file", PURE, ids=lambda file: file.name)
def test_no_decision_looks_at_a_clock(file: Path) -> None:
    assert list(clocks(file.read_text())) == []


@pytest.mark.parametrize(
    "source", ["datetime.now(UTC)", "time.monotonic()", "import time", "from time import sleep"]
)
def test_a_clock_is_found(source: str) -> None:
    assert list(clocks(source))
