"""The runs that are to be looked at: the most urgent first, each of them once at a time."""

import asyncio
import heapq
from enum import IntEnum
from itertools import count

from trainer_operator.store import Key


class Priority(IntEnum):
    """Which looks come first. Else the end of early runs would wait behind a thousand new ones."""

    URGENT = 0
    """A Job or pod ended, somebody decided something, a run is to go."""
    USUAL = 1
    NEW = 2
    """A run that was not admitted yet."""


class WorkQueue:
    """Keys by priority.

    A key that is added while it is looked at comes again afterwards, so that nothing happens to
    a run twice at once and no change is missed.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Key]] = []
        self._waiting: dict[Key, int] = {}
        self._active: set[Key] = set()
        self._again: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._order = count()
        self._ready = asyncio.Semaphore(0)

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: Key) -> bool:
        return key in self._waiting or key in self._active

    @property
    def timers(self) -> set[Key]:
        """Return the keys that come back by themselves."""
        return set(self._timers)

    def add(self, key: Key, priority: int = Priority.USUAL) -> None:
        """Have a key looked at soon; the higher of two priorities counts."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if key in self._active:
            self._again[key] = min(priority, self._again.get(key, priority))
            return
        known = self._waiting.get(key)
        if known is None:
            self._ready.release()
        elif known <= priority:
            return
        self._waiting[key] = priority
        heapq.heappush(self._heap, (priority, next(self._order), key))

    def add_after(self, key: Key, seconds: float, priority: int = Priority.USUAL) -> None:
        """Have a key looked at in a while, unless it is looked at before."""
        if seconds <= 0:
            self.add(key, priority)
            return
        if key in self._waiting or key in self._again:
            return
        if timer := self._timers.pop(key, None):
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(seconds, self.add, key, priority)

    async def get(self) -> Key:
        """Wait for the most urgent key; it is active until `done`."""
        await self._ready.acquire()
        while True:
            priority, _, key = heapq.heappop(self._heap)
            if self._waiting.get(key) == priority:  # else an entry of a lower priority than now
                del self._waiting[key]
                self._active.add(key)
                return key

    def done(self, key: Key) -> None:
        """Say that a key has been looked at."""
        self._active.discard(key)
        if (priority := self._again.pop(key, None)) is not None:
            self.add(key, priority)

    def close(self) -> None:
        """Forget the timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
