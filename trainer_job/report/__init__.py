"""What a model found, for people and for the predictors that read it."""

import logging
from pathlib import Path

from trainer_job.artifacts import PLOTS, REPORT
from trainer_job.importing import uncollected
from trainer_job.report.data import ReportData
from trainer_job.report.profiles import DISTINCTIVE, profiles

__all__ = ["DISTINCTIVE", "PLOTS", "REPORT", "ReportData", "profiles", "write"]


def write(folder: Path, data: ReportData) -> None:
    """Write the report, and each of its pictures as a file in :data:`PLOTS`.

    Parameters
    ----------
    folder
        Exists.
    data
        The model and the verdict on it.
    """
    # Where no folder can be kept, as in a pod, it says so at length each time.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    # matplotlib alone takes half a second to import, and most of the program does without.
    with uncollected():
        from trainer_job.report.html import render  # noqa: PLC0415
        from trainer_job.report.plots import draw  # noqa: PLC0415

    pictures = draw(data)
    (folder / PLOTS).mkdir(exist_ok=True)
    for picture in pictures:
        (folder / PLOTS / f"{picture.name}.png").write_bytes(picture.png)
    (folder / REPORT).write_text(render(data, pictures), "utf-8")
