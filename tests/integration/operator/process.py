"""The operator as a process."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from hack import images
from tests.support.processes import free_port


class Operator:
    """The operator as a process of its own; it can be killed and started again."""

    def __init__(self, kubeconfig: Path, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self._log = folder / "operator.log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            "PYTHONPATH": os.pathsep.join([str(images.ROOT / "operator"), str(images.ROOT)]),
            "TRAINER_JOB_IMAGE": "trainer/job:test",
            "TRAINER_JOB_RESOURCES": '{"limits": {"memory": "40Mi"}}',
            "TRAINER_START_TIMEOUT": "3s",
            "TRAINER_RESYNC": "5s",
            "TRAINER_POLL": "300ms",
            "TRAINER_SETTLE": "0s",  # each state is written, however short
            "TRAINER_LIVENESS_PORT": str(self.port),
            "TRAINER_LOG_FORMAT": "text",
            **settings,
        }

    def __enter__(self) -> "Operator":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it; it ends with the thread that started it, however that ends."""
        command = ["setpriv", "--pdeathsig=KILL", sys.executable, "-m", "trainer_operator"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> int:
        """End it as the kubelet does, and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    @property
    def running(self) -> bool:
        """Say whether it has not ended by itself."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Return how it ended, None while it runs."""
        return self._process.poll()

    def tail(self) -> str:
        """Return the last lines of its log."""
        return "\n".join(self._log.read_text().splitlines()[-40:])
