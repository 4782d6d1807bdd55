"""The command line of the local cluster: ``python3 -m hack.cluster up``."""

import argparse
import signal
import sys
from collections.abc import Sequence

from hack.cluster import binaries, images, providers
from hack.cluster.errors import ClusterError
from hack.cluster.steps import Steps


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    given = _parser().parse_args(argv)
    # As if by a key: what is begun is ended, and what was started with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _do(given, Steps())
    except ClusterError as error:
        print(f"hack.cluster {given.command}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"hack.cluster {given.command}: interrupted; run it again", file=sys.stderr)
        return 130
    return 0


def _do(given: argparse.Namespace, steps: Steps) -> None:
    if given.command == "bin":
        print(binaries.provide(given.names, steps))
        return
    provider = providers.provider()
    match given.command:
        case "up":
            steps.say(f"Cluster ({provider.name})")
            provider.up(steps)
            steps.total("Cluster up")
            print(f"export KUBECONFIG={provider.kubeconfig}")
        case "down":
            steps.say(f"Cluster ({provider.name})")
            provider.down(steps)
        case "check":
            provider.check()
            print(f"This machine can run the cluster ({provider.name}).")
        case "image":
            provider.image(images.Request(given.target, given.tag), steps)
        case "load":
            provider.load(given.names, steps)
        case "kubeconfig":
            print(provider.kubeconfig)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m hack.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start the cluster if it does not run, and print its address")
    commands.add_parser("down", help="stop it and delete its state; what was built is kept")
    commands.add_parser("check", help="say whether this machine can run it, and if not, why")
    commands.add_parser("kubeconfig", help="print the path of the administrator's kubeconfig")
    image = commands.add_parser("image", help="build a target of the project's Dockerfile")
    image.add_argument("--target", required=True)
    image.add_argument("--tag", required=True, help="the image's name, with a tag")
    load = commands.add_parser("load", help="put images of this machine onto the cluster")
    load.add_argument("names", nargs="+", metavar="NAME")
    programs = commands.add_parser("bin", help="build programs and print the folder they are in")
    programs.add_argument("names", nargs="+", choices=binaries.PROGRAMS, metavar="NAME")
    return parser


if __name__ == "__main__":
    sys.exit(main())
