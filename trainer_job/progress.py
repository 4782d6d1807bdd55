"""Progress: where a run is, for the operator as JSON lines, for people as a bar or sentences."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


@contextmanager
def for_people() -> Iterator[Reporter]:
    """Yield a progress bar where standard error is a terminal, and sentences elsewhere."""
    if sys.stderr.isatty():
        with _bar() as reporter:
            yield reporter
    else:
        yield as_sentences


@contextmanager
def _bar() -> Iterator[Reporter]:
    from rich import progress as rich  # noqa: PLC0415 - a pod has no terminal
    from rich.console import Console  # noqa: PLC0415

    bar = rich.Progress(
        rich.SpinnerColumn(),
        rich.BarColumn(bar_width=30),
        rich.TaskProgressColumn(),
        rich.TextColumn("{task.description}", markup=False),
        rich.TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # it holds nothing but the result
    )
    with bar:
        task = bar.add_task("Connecting", total=100)

        def show(progress: Progress) -> None:
            text = f"{progress.stage}: {progress.message}".rstrip(": ")
            bar.update(task, completed=progress.percent, description=text)

        yield show


def as_note(sentence: str) -> None:
    """Write to standard error, so that standard output holds nothing but the result."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
