"""The command line of ``trainer-job``."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from trainer_job import __version__, flags

DECISIVE = ("run", "check", "promote", "recall")
"""End in a result, which the operator reads."""
COMMANDS = (*DECISIVE, "migrate", "load", "label", "report", "compare", "predict")
DEFAULT_FOLDER = Path("trainer-embedded")

_EPILOG = """\
`run` trains once. In a pod, TRAINER_RUN holds its configuration; without it, the variables of the
replaced service and the flags do, and a flag wins over its variable:
  MLFLOW_TRACKING_URI  TRAINING_LOOKBACK_HOURS  N_CLUSTERS  MODEL_F1_THRESHOLD
  SENSOR_DATA_FILE (labelled patterns; none where the file is missing)
`check`, `promote` and `recall` run in Jobs of the operator, with TRAINER_RUN. `report`, `compare`
and `predict` need MLflow alone; all others read POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER,
POSTGRES_PASSWORD, POSTGRES_DB.

Exit codes: 0 decided or done, 64 bad configuration, 65 unusable data, 69 a service is
unavailable, 70 internal error, 130 or 143 asked to end (by Ctrl-C or SIGTERM).
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
    flags.add(run)
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
    commands.add_parser("check", help="look up the version that a run names")
    commands.add_parser("promote", help="prove a staged version in service and promote it")
    commands.add_parser("recall", help="repeat how a run was decided")
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
    label = commands.add_parser("label", help="say what episodes were: human labels from a CSV")
    label.add_argument(
        "file", metavar="FILE", help="CSV with the columns episode and label; - for standard input"
    )
    _add_readers(commands)
    return parser


def _add_readers(commands: Any) -> None:
    """Add the commands that only read, from MLflow alone."""
    report = commands.add_parser("report", help="fetch the report of a run")
    report.add_argument(
        "run", metavar="RUN_ID", help="id of an MLflow run, uid of a TrainingRun, or a version"
    )
    report.add_argument("--output", metavar="FILE", type=Path, help="(./report-RUN_ID.html)")
    compare = commands.add_parser("compare", help="show two versions side by side")
    compare.add_argument("versions", metavar="VERSION", nargs=2, type=_version)
    compare.add_argument("-o", dest="form", choices=("table", "json"), default="table")
    predict = commands.add_parser("predict", help="find the failure modes of a file's episodes")
    predict.add_argument(
        *("file",),
        metavar="FILE",
        type=Path,
        help="CSV of readings: columns episode, optionally timestamp, and one a sensor",
    )
    predict.add_argument(
        "--version", dest="number", metavar="N", type=_version, required=True, help="of the model"
    )
    predict.add_argument("--output", metavar="FILE", type=Path, help="(standard output)")
    for reader in (report, compare, predict):
        for name in ("--name", "--tracking-uri"):
            flag = flags.FLAGS[name]
            reader.add_argument(name, metavar=flag.metavar, help=flag.text)


def _version(text: str) -> str:
    # A larger number would not fit the registry's database.
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        msg = f"{text!r} is no version; it is a number, as in 7"
        raise argparse.ArgumentTypeError(msg)
    return text


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is no time; write it as in 2026-01-31T12:00:00Z"
        raise argparse.ArgumentTypeError(msg) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
