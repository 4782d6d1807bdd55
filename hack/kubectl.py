"""kubectl as a Python object: for the demo and the end-to-end tests."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.cluster.commands import run


@dataclass(frozen=True)
class Kubectl:
    """Commands against one cluster and, where one is given, one namespace."""

    binary: Path
    kubeconfig: Path
    namespace: str | None = None

    def within(self, namespace: str) -> "Kubectl":
        """Return the same for another namespace."""
        return Kubectl(self.binary, self.kubeconfig, namespace)

    def argv(self, *arguments: str) -> list[str]:
        """Return the whole command line."""
        scope = ["--namespace", self.namespace] if self.namespace else []
        return [str(self.binary), "--kubeconfig", str(self.kubeconfig), *scope, *arguments]

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a command and return what it prints; a failure carries what it said."""
        return run(self.argv(*arguments), stdin=stdin)

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return an object, or a list of objects."""
        document: dict[str, Any] = json.loads(self("get", *arguments, "--output", "json"))
        return document

    def apply(self, manifest: str) -> str:
        """Apply a manifest."""
        return self("apply", "--filename", "-", stdin=manifest)

    @contextmanager
    def forward(self, target: str, port: int) -> Iterator[str]:
        """Yield a loopback URL that leads to a port of a pod or Service."""
        argv = self.argv("port-forward", target, f":{port}")
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                if not (found := re.search(r"127\.0\.0\.1:(\d+)", line)):
                    raise RuntimeError(
                        f"kubectl port-forward {target} {port} did not start: {line!r}"
                    )
                yield f"http://127.0.0.1:{found[1]}"
            finally:
                process.terminate()
