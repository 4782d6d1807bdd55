"""A process is known by more than its pid, and only what was started is ended."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster import launch, processes
from hack.cluster.errors import ClusterError
from hack.cluster.processes import Process, Record

WAIT = [sys.executable, "-c", "input()"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else, which waits for a line that never comes."""
    with subprocess.Popen(WAIT, stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_this_process_is_alive_under_its_own_record(tmp_path: Path) -> None:
    launch.write_record(tmp_path / "self.json")
    record = processes.read(tmp_path / "self.json")
    assert record == Record(os.getpid(), launch.start_time(os.getpid()) or 0, launch.boot_id())
    assert record.alive()


@pytest.mark.parametrize("change", [{"start_time": 1}, {"boot_id": "another"}])
def test_a_later_process_with_the_same_pid_is_another_one(
    tmp_path: Path, change: dict[str, object]
) -> None:
    file = tmp_path / "self.json"
    launch.write_record(file)
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    record = processes.read(file)
    assert record is not None
    assert not record.alive()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": null}'])
def test_a_broken_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert processes.read(tmp_path / "a.json") is None
    assert processes.read(tmp_path / "missing.json") is None


def test_only_recorded_processes_are_ended(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    stale = {"pid": sleeper.pid, "start_time": 1, "boot_id": launch.boot_id()}
    (tmp_path / "stale.json").write_text(json.dumps(stale))
    process = Process(["sleep", "60"], record=tmp_path / "own.json", log=tmp_path / "log")
    while processes.read(tmp_path / "own.json") is None:
        process.check()
    assert processes.kill_recorded(tmp_path) == 1
    assert sleeper.poll() is None
    assert list(tmp_path.glob("*.json")) == []
    with pytest.raises(ClusterError, match=r"own ended with -9"):
        process.check()


def test_only_named_records_are_taken(tmp_path: Path) -> None:
    for name in ("etcd", "kubelet"):
        (tmp_path / f"{name}.json").write_text("{}")
    assert processes.kill_recorded(tmp_path, ["etcd"]) == 0
    assert [file.name for file in tmp_path.glob("*.json")] == ["kubelet.json"]


def test_a_program_that_ended_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "print('no such port'); raise SystemExit(3)"]
    process = Process(program, record=tmp_path / "etcd.json", log=tmp_path / "log")
    process._popen.wait(10)
    with pytest.raises(ClusterError, match=r"etcd ended with 3;[\s\S]*no such port"):
        process.check()


def test_a_program_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    record = tmp_path / "child.json"
    starter = (
        "import os, sys, time; from pathlib import Path; from hack.cluster.processes import *;"
        f"record = Path({str(record)!r});"
        f"Process(['sleep', '60'], record=record, log=Path({str(tmp_path / 'log')!r}));"
        "\nwhile read(record) is None: time.sleep(0.01)"
    )
    subprocess.run([sys.executable, "-c", starter], check=True, timeout=30)
    child = processes.read(record)
    assert child is not None
    for _ in range(200):
        if not child.alive():
            break
        os.sched_yield()
        subprocess.run(["sleep", "0.01"], check=True)
    assert not child.alive()


def test_a_dead_process_has_no_start_time() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert launch.start_time(process.pid) is None  # a zombie
    process.wait()
    assert launch.start_time(process.pid) is None
