"""Servers of tests leave nothing behind, not even where nobody could end them."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import running, wait_for

SERVER = "flock {lock} sleep 600 & wait"
"""A server that has started another process, which holds a lock as long as it lives."""
OWNER = """
import sys, time
from pathlib import Path
from tests.support.processes import running
from tests.unit.test_processes import SERVER, held
lock = Path(sys.argv[1])
server = ["sh", "-c", SERVER.format(lock=lock)]
with running(server, lock.with_suffix(".log"), lambda: held(lock)):
    print("ready", flush=True)
    time.sleep(600)
"""


def held(lock: Path) -> bool:
    """Say whether a process holds a lock."""
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_what_a_server_has_started_ends_with_it(lock: Path) -> None:
    server = ["sh", "-c", SERVER.format(lock=lock)]
    with running(server, lock.with_suffix(".log"), lambda: held(lock)):
        assert held(lock)
    wait_for(lambda: not held(lock), "the end of the server's child", 10)


def test_nothing_outlives_a_process_that_is_killed(lock: Path) -> None:
    root = Path(__file__).parents[2]
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, lock], cwd=root, stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        assert held(lock)
    finally:
        owner.kill()
        owner.communicate()
    wait_for(lambda: not held(lock), "the end of the server's child", 10)
