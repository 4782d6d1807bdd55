"""Where things are kept: what was built in the user's cache, the running node's state apart."""

import os
from pathlib import Path

NAME = "trainer-operator"
SOURCE = Path(__file__).resolve().parent

# Fixed, so that every clone of the project on a machine finds the same node. Short, because the
# path of a unix socket has at most 107 characters.
RUN = Path("/run") / NAME
DATA = Path("/var/lib") / NAME
LOGS = DATA / "logs"
PROCESSES = RUN / "processes"
NODE_KUBECONFIG = DATA / "kubeconfig"


def cache() -> Path:
    """Return the folder of what was built or downloaded; it is created."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / NAME
    folder.mkdir(parents=True, exist_ok=True)
    return folder
