"""The command line of ``trainer-job``."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from trainer_job import __version__
from trainer_job.direct import Place, Value, Values

COMMANDS = ("run", "promote", "migrate", "load")
DEFAULT_FOLDER = Path("trainer-embedded")

FLAGS: dict[str, tuple[Place, str, str]] = {
    "--lookback": (("data", "lookback"), "DURATION", "length of the window, as in 2h (1h)"),
    "--min-episodes": (("data", "minEpisodes"), "N", "skip the run below this (10)"),
    "--features": (("features", "set"), "SET", "basic, or robust against spikes (basic)"),
    "--clusters": (("model", "clusters"), "N", "number of failure modes (3)"),
    "--seed": (("model", "seed"), "N", "makes the clusters repeatable (42)"),
    "--min-f1": (("gates", "minF1"), "F", "macro F1 that a promoted model has (0.7)"),
    "--min-silhouette": (("gates", "minSilhouette"), "F", "silhouette that it has (0)"),
    "--tracking-uri": (("tracking", "uri"), "URI", "MLflow server (http://mlflow:5000)"),
    "--experiment": (("tracking", "experiment"), "NAME", "MLflow experiment"),
}
"""Flag → place in the run document, what stands for its value, and help with the default."""

_EPILOG = """\
`run` trains once. In a pod, TRAINER_RUN holds its configuration; without it, the variables of the
replaced service and the flags do, and a flag wins over its variable:
  MLFLOW_TRACKING_URI  TRAINING_LOOKBACK_HOURS  N_CLUSTERS  MODEL_F1_THRESHOLD
  SENSOR_DATA_FILE (labelled patterns; none where the file is missing)
All commands read POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB.

Exit codes: 0 decided or done, 64 bad configuration, 65 unusable data, 69 a service is
unavailable, 70 internal error, 143 asked to end.
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """End with the code for bad configuration, which no Job retries."""
        self.print_usage()
        self.exit(64, f"{self.prog}: {message}\n")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line; ``run`` where no command is named."""
    words = list(argv)
    if not words or (words[0].startswith("-") and words[0] not in {"-h", "--help", "--version"}):
        words.insert(0, "run")
    return _parser().parse_args(words)


def values(options: argparse.Namespace) -> Values:
    """Return what the flags of a direct run say."""
    return {
        place: Value(flag, given)
        for flag, (place, _, _) in FLAGS.items()
        if (given := _value(options, flag)) is not None
    }


def given(options: argparse.Namespace) -> list[str]:
    """Return the flags of a direct run that stand on the command line."""
    return [f for f in (*FLAGS, "--embedded", "--data") if _value(options, f) is not None]


def _value(options: argparse.Namespace, flag: str) -> object:
    return getattr(options, flag.removeprefix("--").replace("-", "_"), None)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="trainer-job",
        description="Train, judge, register and promote a failure model.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="{" + ",".join(COMMANDS) + "}")
    run = commands.add_parser("run", help="train once (the default)")
    for flag, (_, metavar, text) in FLAGS.items():
        run.add_argument(flag, metavar=metavar, help=text)
    run.add_argument(
        "--embedded",
        metavar="DIR",
        nargs="?",
        const=DEFAULT_FOLDER,
        type=Path,
        help=f"use a PostgreSQL and an MLflow store of its own in DIR (./{DEFAULT_FOLDER})",
    )
    run.add_argument(
        "--data", metavar="FILE", type=Path, help="with --embedded: load this file first"
    )
    commands.add_parser("promote", help="prove a staged version in service and promote it")
    commands.add_parser("migrate", help="make the tables that are missing")
    load = commands.add_parser("load", help="load a file of episodes, once")
    load.add_argument("file", metavar="FILE", type=Path, help="robot failures, or a reference CSV")
    load.add_argument("--machine", metavar="NAME", help="whose readings (the file's name)")
    load.add_argument(
        "--end",
        metavar="TIME",
        type=_time,
        default=datetime.now(UTC),
        help="when the last episode ends, as in 2026-01-31T12:00:00Z (now)",
    )
    return parser


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is no time; write it as in 2026-01-31T12:00:00Z"
        raise argparse.ArgumentTypeError(msg) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
