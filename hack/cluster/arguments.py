"""The command lines of the control plane's programs."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hack.cluster import pki

SERVICES = "198.19.0.0/20"
_FIRST_SERVICE = "198.19.0.1"
_ISSUER = "https://kubernetes.default.svc.cluster.local"


@dataclass(frozen=True)
class Settings:
    """What the command lines depend on; see `controlplane.Place`."""

    folder: Path
    address: str
    ports: tuple[int, int, int]
    authority: pki.Authority
    advertised: bool

    @cached_property
    def server(self) -> pki.Pair:
        """Return the API server's certificate."""
        service = [f"DNS:kubernetes{rest}" for rest in ("", ".default", ".default.svc")]
        addresses = [f"IP:{self.address}", f"IP:{_FIRST_SERVICE}", "DNS:localhost"]
        full = ["DNS:kubernetes.default.svc.cluster.local"]
        return self.authority.server("apiserver", addresses + service + full)

    @cached_property
    def tokens(self) -> pki.Pair:
        """Return the key that service account tokens are signed with."""
        return self.authority.signing_key("tokens")

    @cached_property
    def kubelet_client(self) -> pki.Pair:
        """Return what the API server shows to kubelets, for `kubectl logs` and `exec`."""
        return self.authority.client("kubelet-client", "apiserver", "system:masters")

    @property
    def etcd(self) -> str:
        """Return the address of etcd, always on loopback."""
        return f"http://127.0.0.1:{self.ports[1]}"


def etcd(settings: Settings) -> list[str]:
    """Return the arguments of etcd; its data need not survive the machine."""
    peers = f"http://127.0.0.1:{settings.ports[2]}"
    return [
        f"--data-dir={settings.folder / 'etcd'}",
        f"--listen-client-urls={settings.etcd}",
        f"--advertise-client-urls={settings.etcd}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver(settings: Settings) -> list[str]:
    """Return the arguments of the API server; its default admission includes PodSecurity."""
    return [
        f"--etcd-servers={settings.etcd}",
        f"--bind-address={settings.address}",
        f"--advertise-address={settings.address}",
        f"--secure-port={settings.ports[0]}",
        f"--service-cluster-ip-range={SERVICES}",
        f"--tls-cert-file={settings.server.certificate}",
        f"--tls-private-key-file={settings.server.key}",
        f"--client-ca-file={settings.authority.own.certificate}",
        "--authorization-mode=Node,RBAC",
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={settings.tokens.certificate}",
        f"--service-account-signing-key-file={settings.tokens.key}",
        "--allow-privileged=true",
        f"--endpoint-reconciler-type={'lease' if settings.advertised else 'none'}",
        # Node names are in no DNS.
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={settings.kubelet_client.certificate}",
        f"--kubelet-client-key={settings.kubelet_client.key}",
    ]


def controller_manager(settings: Settings) -> list[str]:
    """Return the arguments of the controller manager, with the throttling of Jobs raised."""
    authority = settings.authority.own
    return [
        f"--kubeconfig={settings.folder / 'kubeconfig'}",
        "--leader-elect=false",
        "--secure-port=0",
        f"--root-ca-file={authority.certificate}",
        f"--cluster-signing-cert-file={authority.certificate}",
        f"--cluster-signing-key-file={authority.key}",
        f"--service-account-private-key-file={settings.tokens.key}",
        f"--service-cluster-ip-range={SERVICES}",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
        "--concurrent-job-syncs=20",
    ]


def scheduler(kubeconfig: Path) -> list[str]:
    """Return the arguments of the scheduler."""
    return [
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
    ]
