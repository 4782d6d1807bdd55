"""Small helpers of the end-to-end tests."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
MODEL = "sensor_failure_clustering"


@dataclass(frozen=True)
class ModelRegistry:
    """MLflow's registry, asked over its REST interface."""

    url: str

    def versions(self) -> list[dict[str, Any]]:
        """Return every version of the model, the oldest first."""
        found = self._get(f"model-versions/search?filter=name%3D%27{MODEL}%27&max_results=200")
        return sorted(found.get("model_versions", []), key=lambda each: int(each["version"]))

    def alias(self, alias: str = "production") -> str:
        """Return the version that an alias stands for."""
        found = self._get(f"registered-models/alias?name={MODEL}&alias={alias}")
        version: str = found["model_version"]["version"]
        return version

    def of_run(self, uid: str) -> list[dict[str, Any]]:
        """Return the versions that carry a run's uid among their tags."""
        return [
            version
            for version in self.versions()
            if uid in {tag["value"] for tag in version.get("tags", [])}
        ]

    def _get(self, path: str) -> dict[str, Any]:
        address = f"{self.url}/api/2.0/mlflow/{path}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            document: dict[str, Any] = json.load(answer)
            return document


def eventually(look: Callable[[], T | None], what: str, seconds: float = 120) -> T:
    """Return what `look` finds, asked again until it is true, for a bounded time."""
    end = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        assert time.monotonic() < end, f"not seen within {seconds} s: {what}"
        time.sleep(0.3)


def kill_container(pod_uid: str, command: str) -> None:
    """End a container's main process with SIGKILL, from the node, as an OOM or a crash would."""
    slug = pod_uid.replace("-", "_")
    killed = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            cgroup = (folder / "cgroup").read_text()
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if (pod_uid in cgroup or slug in cgroup) and command in line:
            _kill(int(folder.name))
            killed += 1
    assert killed, f"no process of pod {pod_uid} runs {command}"


def _kill(pid: int) -> None:
    if os.geteuid() == 0:
        os.kill(pid, signal.SIGKILL)
    else:  # containers of kind belong to root
        subprocess.run(["sudo", "-n", "kill", "-9", str(pid)], check=True)
