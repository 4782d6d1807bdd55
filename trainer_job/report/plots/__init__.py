"""The report's pictures."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from trainer_job.report.data import ReportData
from trainer_job.report.plots import choice, episodes, examples, labels, modes
from trainer_job.report.plots.style import png


@dataclass(frozen=True)
class Picture:
    """A picture with what it shows.

    Attributes
    ----------
    name
        Of its file.
    heading, caption
        What it shows, and how to read it.
    png
        The file's content.
    """

    name: str
    heading: str
    caption: str
    png: bytes


Draw = Callable[[ReportData], Figure | None]

_PICTURES: tuple[tuple[str, Draw, str, str], ...] = (
    (
        "projection",
        episodes.projection,
        "Episodes by mode",
        "Each mark is an episode, in the two directions in which the standardised features vary "
        "most. Modes that look mixed here may be apart in other directions: see the silhouette.",
    ),
    (
        "silhouette",
        episodes.silhouettes,
        "How well each episode fits its mode",
        "1: far from every other mode; 0: between two modes; below 0: nearer to another mode.",
    ),
    (
        "clusters",
        choice.curve,
        "How the number of modes was chosen",
        "A candidate (filled) is stable and has no mode that is too small; among these the "
        "smallest number within one standard error of the best silhouette is chosen.",
    ),
    (
        "profiles",
        modes.heat_map,
        "What the modes look like, sensor by sensor",
        "Mean of the mode, in standard deviations of all episodes from their mean. Each sensor is "
        "shown by that feature of it which tells the modes apart best; the sensors that do so "
        "best come first.",
    ),
    (
        "distinctive",
        modes.distinctive,
        "What sets each mode apart",
        "Cohen's d of the mode against all other episodes: the difference of the means in units "
        "of the pooled standard deviation. Above 0.8 in size is large.",
    ),
    (
        "examples",
        examples.examples,
        "Episodes of each mode",
        "Readings of the episodes that are kept with the model, in the sensors that tell the "
        "modes apart best; grey: those of the other modes.",
    ),
    (
        "labels",
        labels.agreement,
        "Modes and labels",
        "Number of labelled episodes; the darker, the larger a part of the label's episodes.",
    ),
    (
        "champion",
        choice.comparison,
        "Compared with the champion",
        "Difference of the scores on held-out episodes, with the 95 % interval from resampled "
        "machine-days.",
    ),
)


def draw(data: ReportData) -> list[Picture]:
    """Draw all pictures for which there is something to show."""
    pictures = []
    for name, function, heading, caption in _PICTURES:
        with warnings.catch_warnings():
            # A sensor's name may have letters that the font lacks; a box stands for each.
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            figure = function(data)
            if figure is not None:
                pictures.append(Picture(name, heading, caption, png(figure)))
    return pictures
