"""Becomes another program, after writing down which process it is.

Run as a file of its own (`python3 -I -S launch.py OPTIONS -- PROGRAM…`), so that a record exists
before the program does: however its starter is killed, the program can be found again.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if it is gone or dead."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name, in parentheses, may hold spaces and parentheses itself.
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in {b"Z", b"X"} else int(fields[19])


def boot_id() -> str:
    """Return the id of this boot of the machine: pids and start times mean nothing after it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def write_record(file: Path) -> None:
    """Write which process this is, whole or not at all."""
    pid = os.getpid()
    content = json.dumps({"pid": pid, "start_time": start_time(pid), "boot_id": boot_id()})
    unfinished = file.with_name(f".{file.name}.{pid}")
    unfinished.write_text(content)
    unfinished.rename(file)


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("its starter is gone already")


def main(argv: list[str]) -> None:
    """Do what the options say, then become the program."""
    split = argv.index("--")
    options = dict(option.split("=", 1) for option in argv[:split])
    if "die-with" in options:
        _die_with(int(options["die-with"]))
    if "record" in options:
        write_record(Path(options["record"]))
    if "cgroup" in options:
        Path(options["cgroup"], "cgroup.procs").write_text(str(os.getpid()))
    program = argv[split + 1 :]
    os.execvp(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
