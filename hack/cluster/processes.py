"""Long-running programs: started with a record, ended by exactly that record."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import launch
from hack.cluster.errors import ClusterError


@dataclass(frozen=True)
class Record:
    """One process, told apart from a later one that got the same pid."""

    pid: int
    start_time: int
    boot_id: str

    def alive(self) -> bool:
        """Say whether exactly this process still runs."""
        return self.boot_id == launch.boot_id() and launch.start_time(self.pid) == self.start_time


def read(file: Path) -> Record | None:
    """Read a record; None if there is none, or none that could be of a process."""
    try:
        content = json.loads(file.read_text())
        return Record(int(content["pid"]), int(content["start_time"]), str(content["boot_id"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def wrap(argv: Sequence[str | Path], **options: str | int | Path | None) -> list[str]:
    """Put `launch.py` before a program; an option that is None is left out."""
    given = [f"{name.replace('_', '-')}={value}" for name, value in options.items() if value]
    launcher = [sys.executable, "-I", "-S", launch.__file__]
    return [*launcher, *given, "--", *(str(part) for part in argv)]


class Process:
    """A program that runs until it is stopped.

    Parameters
    ----------
    argv
        The program and its arguments.
    record
        File that says which process it is.
    log
        File that its output is appended to.
    env
        Variables on top of this process's own.
    cgroup
        Control group to start it in.
    stays
        Whether it outlives this process; otherwise the kernel ends it with the thread that
        started it, also when that is killed.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        record: Path,
        log: Path,
        env: Mapping[str, str] | None = None,
        cgroup: Path | None = None,
        stays: bool = False,
    ) -> None:
        self.record = record
        self.log = log
        die_with = None if stays else os.getpid()
        command = wrap(argv, record=record, cgroup=cgroup, die_with=die_with)
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(env or {})},
                start_new_session=stays,
            )

    def check(self) -> None:
        """Raise a ClusterError with the end of its log if it has ended."""
        if (code := self._popen.poll()) is not None:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise ClusterError(f"{self.record.stem} ended with {code}; {self.log} says:\n{last}")

    def kill(self) -> None:
        """End it and wait until it is gone."""
        self._popen.kill()
        self._popen.wait()
        self.record.unlink(missing_ok=True)


def kill(pids: Iterable[int]) -> None:
    """End processes by pid and wait up to 10 s until all are gone."""
    waiting = select.poll()
    open_descriptors = set()
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        open_descriptors.add(descriptor)
        waiting.register(descriptor, select.POLLIN)
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while open_descriptors and (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in waiting.poll(left * 1000):
            waiting.unregister(descriptor)
            open_descriptors.remove(descriptor)
            os.close(descriptor)
    if open_descriptors:
        raise ClusterError(f"{len(open_descriptors)} processes did not end within 10 s of SIGKILL.")


def kill_recorded(folder: Path, names: Iterable[str] | None = None) -> int:
    """End the processes that the records in a folder name, and no other; return how many."""
    files = [file for file in sorted(folder.glob("*.json")) if not names or file.stem in names]
    records = [read(file) for file in files]
    alive = [record.pid for record in records if record and record.alive()]
    kill(alive)
    for file in files:
        file.unlink()
    return len(alive)
