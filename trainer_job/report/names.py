"""Names that fit into pictures."""

from collections.abc import Sequence

LONGEST = 26
"""Characters of a name that are shown."""


def plain(text: str, longest: int = LONGEST) -> str:
    """Return a name that fits, and in which no dollar starts a formula.

    What is too long loses its middle: names differ at their ends.
    """
    if len(text) > longest:
        end = (longest - 1) // 2
        text = f"{text[: longest - 1 - end]}…{text[-end:]}"
    return text.replace("$", r"\$")


def shorthand(names: Sequence[str]) -> dict[str, str]:
    """Return name → what it is called: without what all names share, where some are long."""
    if len(names) < 2 or max(map(len, names)) <= LONGEST:
        return {name: plain(name) for name in names}
    start = _shared(names)
    end = _shared([name[start:][::-1] for name in names])
    return {name: plain(_between(name, start, end)) for name in names}


def _shared(names: Sequence[str]) -> int:
    """Return with how many letters all names begin; those that differ least stand at the ends."""
    first, last = min(names), max(names)
    pairs = zip(first, last, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))


def _between(name: str, start: int, end: int) -> str:
    inner = name[start : len(name) - end]
    return f"{'…' if start else ''}{inner}{'…' if end else ''}"
