"""Threads that go on step by step, each when its turn comes, so that every order can be tried."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

SECONDS = 60.0
"""A test whose threads stand still for this long fails."""

_own = threading.local()


def step(name: str) -> None:
    """Stop before a step, in a thread that is an actor's; others go on."""
    actor: Actor | None = getattr(_own, "actor", None)
    if actor is not None:
        actor.stop(name)


class Actor:
    """Work in a thread of its own, which stands still before each step until it is told to go.

    Attributes
    ----------
    next
        The step that it stands before; None when it has ended.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._go = threading.Semaphore(0)
        self._stands = threading.Semaphore(0)
        self._error: BaseException | None = None
        self.next: str | None = None
        threading.Thread(target=self._run, daemon=True).start()
        self.wait()

    def stop(self, name: str) -> None:
        """Stand still before a step; called in the actor's own thread."""
        self.next = name
        self._stands.release()
        assert self._go.acquire(timeout=SECONDS), f"nobody lets it go on with {name}"

    def go(self) -> None:
        """Let it do the step that it stands before."""
        self._go.release()

    def wait(self) -> None:
        """Wait until it stands before a step again, or has ended."""
        assert self._stands.acquire(timeout=SECONDS), f"it stands still in {self.next}"
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        _own.actor = self
        try:
            self._work()
        except BaseException as error:
            self._error = error
        self.next = None
        self._stands.release()


@dataclass
class Choices:
    """Which of several may go on, each time: given at first, the first one after that."""

    given: tuple[int, ...] = ()
    made: list[int] = field(default_factory=list)
    open: list[tuple[int, ...]] = field(default_factory=list)

    def choose(self, options: Sequence[Actor]) -> Actor:
        """Return one of them, and note what else could have been chosen."""
        place = len(self.made)
        if place < len(self.given):
            chosen = self.given[place]
        else:
            chosen = 0
            self.open += [(*self.made, other) for other in range(1, len(options))]
        self.made.append(chosen)
        return options[chosen]


def every_order(run: Callable[[Choices], None]) -> int:
    """Run once for each way to choose; return how many there are."""
    pending: list[tuple[int, ...]] = [()]
    count = 0
    while pending:
        choices = Choices(pending.pop())
        run(choices)
        pending += choices.open
        count += 1
    return count
