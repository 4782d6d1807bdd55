"""The kubelet's and kube-proxy's configuration."""

import json
from pathlib import Path

from hack.cluster import cgroups, containerd, network, paths

NODE_NAME = paths.NAME


def kubelet(kubeconfig: Path, authority: Path) -> list[str]:
    """Write the kubelet's configuration and return its arguments."""
    configuration = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": network.NODE,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroups.NAME,
        "clusterDNS": [network.NODE],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{containerd.SOCKET}",
        # A developer's disk is shared and often nearly full; images loaded by hand must not go.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "failCgroupV1": False,
        "failSwapOn": False,
        "maxPods": 200,
        "podLogsDir": str(paths.DATA / "pod-logs"),
        "registryPullQPS": 0,
        # No name server of the machine is reachable from a pod.
        "resolvConf": "",
        "serializeImagePulls": False,
        "volumePluginDir": str(paths.DATA / "volume-plugins"),
    }
    return [
        f"--config={_write('kubelet.json', configuration)}",
        f"--kubeconfig={kubeconfig}",
        f"--root-dir={paths.DATA / 'kubelet'}",
        f"--cert-dir={paths.DATA / 'kubelet' / 'pki'}",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={network.NODE}",
    ]


def proxy(kubeconfig: Path) -> list[str]:
    """Return the arguments of kube-proxy; it must not touch the machine's connection table."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--hostname-override={NODE_NAME}",
        f"--bind-address={network.NODE}",
        f"--cluster-cidr={network.PODS}",
        "--proxy-mode=nftables",
        "--conntrack-max-per-core=0",
        "--conntrack-min=0",
    ]


def _write(name: str, content: object) -> Path:
    file = paths.DATA / name
    file.write_text(json.dumps(content, indent=1))
    return file
