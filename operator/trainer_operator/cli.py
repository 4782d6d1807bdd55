"""The operator's entry point: ``trainer-operator``."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from trainer_job import __version__
from trainer_operator.errors import SettingsError
from trainer_operator.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run the operator until SIGTERM; it is configured by the TRAINER_* variables."""
    parser = argparse.ArgumentParser(
        prog="trainer-operator",
        description="Brings TrainingRuns from an applied manifest to a model in service.",
        epilog="Configured by the environment variables TRAINER_*, as the chart sets them.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.parse_args(argv)
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        parser.exit(2, f"trainer-operator: {error}\n")
    return run(settings)


def run(settings: Settings) -> int:
    """Run the operator until a signal; return the exit code."""
    # Here and not above: --help and a wrong setting need neither kopf nor the client.
    import kopf  # noqa: PLC0415

    from trainer_operator import handlers, logs  # noqa: PLC0415

    logs.configure(settings.log_format)
    asyncio.run(
        kopf.operator(
            registry=handlers.registry(),
            standalone=True,
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
            memo=kopf.Memo(settings=settings),
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
