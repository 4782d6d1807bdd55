"""Progress: where a run is, for the operator as JSON lines and for people as sentences."""

import sys
from collections.abc import Callable

from trainer_job.contract import Progress, Stage, progress_line

Reporter = Callable[[Progress], None]
"""What the stages call; never fails a run."""


def report(progress: Reporter, stage: Stage, percent: int, message: str = "") -> None:
    """Tell where the run is."""
    progress(Progress(stage=stage, percent=percent, message=message))


def as_json_lines(progress: Progress) -> None:
    """Write the line that the operator finds in the pod's log, and that Airflow shows at once."""
    sys.stdout.write(progress_line(progress) + "\n")
    sys.stdout.flush()


def as_sentences(progress: Progress) -> None:
    """Write a line for people."""
    as_note(f"{progress.percent:3d} % {progress.stage}: {progress.message}".rstrip(": "))


def as_note(sentence: str) -> None:
    """Write to standard error, so that standard output holds nothing but the result."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
