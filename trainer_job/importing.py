"""Imports of what is large.

The objects that modules are made of stay to the end. To search them for garbage over and over,
as they become more and more, takes a tenth of a small run.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage here, and never search what was made here.

    For imports alone: what becomes garbage in cycles here stays until the process ends.
    """
    if not gc.isenabled():
        yield  # somebody else has decided
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
