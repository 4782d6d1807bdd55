"""A real single node without any Docker engine: everything in one network namespace."""

from dataclasses import replace

from hack.cluster import (
    arguments,
    binaries,
    cgroups,
    containerd,
    dns,
    kubelet,
    mounts,
    network,
    packages,
    paths,
    pause,
    pki,
    processes,
)
from hack.cluster.api import Api
from hack.cluster.commands import succeeds
from hack.cluster.controlplane import ControlPlane, Place
from hack.cluster.processes import Process
from hack.cluster.steps import Steps

_PORTS = (6443, 2379, 2380)
_PLACE = Place(
    address=network.NODE,
    ports=_PORTS,
    prefix=network.enter(),
    records=paths.PROCESSES,
    stays=True,
    advertised=True,
)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAMS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    *("containerd", "kubelet", "kube-proxy", "coredns"),
)


def build(steps: Steps) -> None:
    """Install and build what is missing."""
    with steps.step("packages") as step:
        if names := packages.missing({**packages.NODE, **packages.IMAGES}):
            packages.install(names)
        else:
            step.cached()
    binaries.provide(binaries.NODE, steps)
    with steps.step("pause image") as step:
        if pause.archive()[1]:
            step.cached()


def healthy() -> bool:
    """Say whether the node runs and answers: processes, API server, Node, DNS."""
    records = [processes.read(paths.PROCESSES / f"{name}.json") for name in _PROGRAMS]
    if not all(record and record.alive() for record in records):
        return False
    api = _existing_api()
    return api.ready() and _ready(api) and dns.answers()


def left_over() -> bool:
    """Say whether something of a node is here, running or not."""
    return (
        paths.RUN.exists()
        or paths.DATA.exists()
        or any((root / cgroups.NAME[1:]).exists() for root in cgroups.hierarchies())
    )


def remove() -> None:
    """End everything that was started and delete the node's state, whatever is left of it."""
    processes.kill_recorded(paths.PROCESSES)
    cgroups.remove()
    network.remove()
    containerd.remove_strays()
    for folder in (paths.RUN, paths.DATA):
        mounts.remove_tree(folder)


class Node:
    """A node that is being started, on a machine that has nothing left of an earlier one."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._bin = binaries.folder()
        self._running: list[Process] = []

    def start(self) -> None:
        """Start it and wait until it is Ready and names are answered."""
        step = self._steps.step
        for folder in (paths.PROCESSES, paths.LOGS):
            folder.mkdir(parents=True)
        with step("network namespace, control groups"):
            network.create(arguments.SERVICES)
            self._cgroup = cgroups.create()
        with step("control plane"):
            # First, as it gets ready beside the rest.
            self._launch("containerd", ["--config", str(containerd.configure(network.PODS))])
            plane = ControlPlane(paths.DATA, replace(_PLACE, cgroup=self._cgroup))
            plane.start()
        with step("containerd"):
            plane.wait("containerd", self._containerd_answers)
            containerd.ctr(self._bin, "images", "import", pause.archive()[0])
        with step("node Ready"):
            self._start_rest(plane)
            plane.wait("the node", lambda: self._check() and _ready(plane.api))
        with step("DNS"):
            plane.wait("CoreDNS", lambda: self._check() and dns.answers())

    def _containerd_answers(self) -> bool:
        return self._check() and succeeds(containerd.command(self._bin, "version"))

    def _start_rest(self, plane: ControlPlane) -> None:
        dns.allow(plane.api)
        node = plane.client_kubeconfig("node", f"system:node:{kubelet.NODE_NAME}", "system:nodes")
        proxy = plane.client_kubeconfig("kube-proxy", "system:kube-proxy")
        names = plane.client_kubeconfig("coredns", dns.USER)
        authority = plane.authority.own.certificate
        self._launch("kubelet", kubelet.kubelet(node, authority))
        self._launch("kube-proxy", kubelet.proxy(proxy))
        self._launch("kube-scheduler", arguments.scheduler(plane.kubeconfig))
        self._launch("coredns", dns.configure(names))

    def _check(self) -> bool:
        for process in self._running:
            process.check()
        return True

    def _launch(self, name: str, given: list[str]) -> None:
        process = Process(
            [*network.enter(), self._bin / name, *given],
            record=paths.PROCESSES / f"{name}.json",
            log=paths.LOGS / f"{name}.log",
            # containerd looks for its shim and for runc there.
            env={"PATH": f"{self._bin}:{_PATH}"},
            cgroup=self._cgroup,
            stays=True,
        )
        self._running.append(process)


def _existing_api() -> Api:
    keys = paths.DATA / "pki"
    authority, admin = (
        pki.Pair(keys / f"{name}.crt", keys / f"{name}.key") for name in ("ca", "admin")
    )
    return Api(f"https://{network.NODE}:{_PORTS[0]}", authority, admin)


def _ready(api: Api) -> bool:
    node = api.get(f"/api/v1/nodes/{kubelet.NODE_NAME}") or {}
    conditions = node.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
