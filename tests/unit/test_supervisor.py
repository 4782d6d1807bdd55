"""The supervisor of the tests keeps a process running, and ends it."""

import threading
from functools import partial

import pytest

from tests.support.processes import wait_for
from tests.support.supervisor import Supervisor


class Process:
    """Runs until somebody ends it."""

    def __init__(self, broken: bool = False) -> None:
        self.starts = 0
        self.running = False
        self.threads: set[int] = set()
        self._broken = broken

    def start(self) -> None:
        if self._broken:
            raise OSError("no such program")
        self.starts += 1
        self.running = True
        self.threads.add(threading.get_ident())

    def started(self, times: int) -> bool:
        return self.starts == times

    def kill(self) -> None:
        self.running = False


def test_what_has_ended_is_started_again_by_the_same_thread() -> None:
    process = Process()
    with Supervisor(process) as supervisor:
        for number in (1, 2, 3):
            wait_for(partial(process.started, number), f"start {number}", 5)
            assert process.running
            if number < 3:
                process.kill()
        wait_for(lambda: supervisor.starts == 3, "the count", 5)
    assert not process.running
    assert len(process.threads) == 1


def test_what_cannot_be_started_is_told() -> None:
    with pytest.raises(OSError, match="no such program"), Supervisor(Process(broken=True)):
        pass
