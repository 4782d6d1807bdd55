"""A network namespace for the whole node, joined to the machine by one pair of devices."""

from pathlib import Path

from hack.cluster import paths
from hack.cluster.commands import run, succeeds

# 198.18.0.0/15 is set aside for benchmarks. The documentation ranges and the private ones are
# not free: machines use them for their own gateways and registries.
HOST = "198.18.77.1"
NODE = "198.18.77.2"
PODS = "198.18.128.0/17"
_DEVICE = "trainer-op0"

NAMESPACE = paths.RUN / "netns"


def enter() -> list[str]:
    """Return what to put before a command that shall run in the namespace."""
    # Not `ip netns exec`: it mounts another /sys, without the control groups.
    return ["nsenter", f"--net={NAMESPACE}"]


def create(services: str) -> None:
    """Make the namespace and join it; the machine's own routes and forwarding stay."""
    NAMESPACE.touch()
    run(["unshare", f"--net={NAMESPACE}", "true"])
    peer = ["peer", "name", "uplink", "netns", str(NAMESPACE)]
    run(["ip", "link", "add", _DEVICE, "type", "veth", *peer])
    run(["ip", "address", "add", f"{HOST}/30", "dev", _DEVICE])
    run(["ip", "link", "set", _DEVICE, "up"])
    for command in (
        ["link", "set", "lo", "up"],
        ["address", "add", f"{NODE}/30", "dev", "uplink"],
        ["link", "set", "uplink", "up"],
        ["route", "add", "default", "via", HOST],
    ):
        run([*enter(), "ip", *command])
    run([*enter(), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
    for destination in (PODS, services):
        run(["ip", "route", "add", destination, "via", NODE, "dev", _DEVICE])


def remove() -> None:
    """Take the device away, and its peer and routes with it; the namespace is only a mount."""
    if Path("/sys/class/net", _DEVICE).exists():
        run(["ip", "link", "delete", _DEVICE])


def usable() -> bool:
    """Say whether the kernel has pairs of devices, tried in a namespace that ends at once."""
    return succeeds(
        ["unshare", "--net", "ip", "link", "add", "probe", "type", "veth", "peer", "name", "probe2"]
    )
