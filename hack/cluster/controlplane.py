"""A real control plane: etcd, API server and controller manager, with its own authority.

    with ControlPlane(tmp_path) as plane:
        subprocess.run(["kubectl", "--kubeconfig", plane.kubeconfig, "get", "namespaces"])

On loopback ports of its own, so that several run side by side; the kernel ends them with the
thread that started them. There is no node: a test plays the kubelet and writes the pods' status.
"""

import shutil
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from hack.cluster import arguments, binaries, pki, processes
from hack.cluster.api import Api
from hack.cluster.errors import ClusterError
from hack.cluster.processes import Process

_TRIES = 3
_PATIENCE = 60.0


@dataclass(frozen=True)
class Place:
    """Where a control plane runs and how long it lives.

    Parameters
    ----------
    address
        Address of the API server.
    ports
        Ports of the API server, etcd and etcd's peers; free ones if None.
    prefix
        Put before each command, as `nsenter …`.
    cgroup
        Control group of its processes.
    records
        Folder of the records of its processes; in the control plane's own if None.
    stays
        Whether it outlives the process that starts it.
    advertised
        Whether pods find it as the Service `kubernetes`, which a loopback address cannot be.
    """

    address: str = "127.0.0.1"
    ports: tuple[int, int, int] | None = None
    prefix: Sequence[str] = ()
    cgroup: Path | None = None
    records: Path | None = None
    stays: bool = False
    advertised: bool = False


class ControlPlane:
    """A control plane that keeps everything in one folder; it starts empty.

    Parameters
    ----------
    folder
        Made if missing; what an earlier control plane left there is deleted.
    place
        Where it runs; on loopback, until this process ends, by default.

    Attributes
    ----------
    kubeconfig
        File for an administrator.
    url
        Address of the API server.
    authority
        Its certificate authority.
    api
        A small client of its own.
    """

    kubeconfig: Path
    url: str
    authority: pki.Authority
    api: Api

    def __init__(self, folder: Path, place: Place | None = None) -> None:
        self.folder = folder.resolve()
        self._place = place or Place()
        self._records = self._place.records or self.folder / "processes"
        self._running: dict[str, Process] = {}

    def __enter__(self) -> "ControlPlane":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until pods can be created; about 4 s.

        Raises
        ------
        ClusterError
            If a program ends at once or is not ready within a minute.
        """
        self._bin = binaries.provide(binaries.CONTROL_PLANE)
        for attempt in range(1, _TRIES + 1):
            try:
                self._start_once()
                return
            except ClusterError:
                self.stop()
                # Somebody may have taken a port between finding it free and using it.
                if self._place.ports or attempt == _TRIES:
                    raise

    def stop(self) -> None:
        """End its processes; nothing of it is worth an orderly end."""
        with ExitStack() as stack:
            for process in self._running.values():
                stack.callback(process.kill)
        self._running.clear()

    def restart_apiserver(self) -> None:
        """Kill the API server and start it again with the same data, address and keys."""
        self._running.pop("kube-apiserver").kill()
        self._launch("kube-apiserver", arguments.apiserver(self._settings))
        self.wait("the API server", self.api.ready)

    def service_account_kubeconfig(self, namespace: str, name: str, *, seconds: int = 3600) -> Path:
        """Write a kubeconfig with a new token of a service account, made if missing."""
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self.api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        self.api.create(accounts, {"metadata": {"name": name}})
        answer = self.api.create(
            f"{accounts}/{name}/token",
            {
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {"expirationSeconds": seconds},
            },
        )
        file = self.folder / f"{namespace}-{name}.kubeconfig"
        user = {"token": str(answer["status"]["token"])}
        return pki.kubeconfig(file, self.url, self.authority.own.certificate, user)

    def client_kubeconfig(self, file: str, user: str, group: str = "") -> Path:
        """Write a kubeconfig with a client certificate of a user in a group."""
        pair = self.authority.client(file, user, group)
        return pki.kubeconfig(
            self.folder / f"{file}.kubeconfig",
            self.url,
            self.authority.own.certificate,
            pki.certificate_user(pair),
        )

    def wait(self, what: str, ready: Callable[[], object], seconds: float = _PATIENCE) -> None:
        """Wait for something; a process that has ended is an error at once."""
        deadline = time.monotonic() + seconds
        while not ready():
            for process in self._running.values():
                process.check()
            if time.monotonic() > deadline:
                raise ClusterError(f"{what} was not ready within {seconds:.0f} s; see {self.logs}.")
            time.sleep(0.05)

    @property
    def logs(self) -> Path:
        """Return the folder of the programs' logs."""
        return self.folder / "logs"

    def _start_once(self) -> None:
        self._clear()
        place = self._place
        ports = place.ports or _free_ports()
        self.url = f"https://{place.address}:{ports[0]}"
        self.authority = pki.Authority(self.folder / "pki")
        self._settings = arguments.Settings(
            folder=self.folder,
            address=place.address,
            ports=ports,
            authority=self.authority,
            advertised=place.advertised,
        )
        admin = self.authority.client("admin", "admin", "system:masters")
        self.api = Api(self.url, self.authority.own, admin)
        certificate = pki.certificate_user(admin)
        own = self.authority.own.certificate
        self.kubeconfig = pki.kubeconfig(self.folder / "kubeconfig", self.url, own, certificate)
        self._launch("etcd", arguments.etcd(self._settings))
        self._launch("kube-apiserver", arguments.apiserver(self._settings))
        self.wait("the API server", self.api.ready)
        self._launch("kube-controller-manager", arguments.controller_manager(self._settings))
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self.wait("the controller manager", lambda: self.api.get(account))

    def _clear(self) -> None:
        processes.kill_recorded(self._records, binaries.CONTROL_PLANE)
        for name in ("etcd", "pki"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in binaries.CONTROL_PLANE:
            (self.logs / f"{name}.log").unlink(missing_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        self._records.mkdir(parents=True, exist_ok=True)

    def _launch(self, name: str, given: Sequence[str]) -> None:
        self._running[name] = Process(
            [*self._place.prefix, self._bin / name, *given],
            record=self._records / f"{name}.json",
            log=self.logs / f"{name}.log",
            cgroup=self._place.cgroup,
            stays=self._place.stays,
        )


def _free_ports() -> tuple[int, int, int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        first, second, third = (int(one.getsockname()[1]) for one in sockets)
    return first, second, third
