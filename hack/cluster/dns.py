"""CoreDNS: its configuration, its rights and a question to see that it answers."""

import socket
import struct
from pathlib import Path

from hack.cluster import network, paths
from hack.cluster.api import Api
from hack.cluster.errors import ClusterError

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
USER = "coredns"


def configure(kubeconfig: Path) -> list[str]:
    """Write the Corefile and return the arguments; other names are refused, there is no uplink."""
    file = paths.DATA / "Corefile"
    file.write_text(
        f""".:53 {{
    bind {network.NODE}
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        ttl 5
    }}
    loadbalance
}}
"""
    )
    return ["-conf", str(file)]


def allow(api: Api) -> None:
    """Let CoreDNS read what it answers from, and kube-proxy what it routes."""
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"]},
    ]
    for rule in rules:
        rule["verbs"] = ["list", "watch"]
    api.create(f"{_RBAC}/clusterroles", {"metadata": {"name": USER}, "rules": rules})
    for user, role in ((USER, USER), ("system:kube-proxy", "system:node-proxier")):
        binding = {
            "metadata": {"name": f"trainer-operator:{role}"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": role,
            },
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user},
            ],
        }
        try:
            api.create(f"{_RBAC}/clusterrolebindings", binding)
        except ClusterError as error:
            raise ClusterError(f"{user} could not be given {role}: {error}") from error


def answers(name: str = "kubernetes.default.svc.cluster.local") -> bool:
    """Ask for an address over UDP and say whether one came back."""
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    header = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        try:
            client.sendto(header + question + struct.pack(">2H", 1, 1), (network.NODE, 53))
            answer = client.recv(512)
        except OSError:
            return False
    _, flags, _, answers_given = struct.unpack(">4H", answer[:8])
    return bool(flags & 0xF == 0 and answers_given > 0)
