"""Known failure modes of a reference file (``SENSOR_DATA_FILE`` of the replaced service)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sklearn.pipeline import Pipeline

from trainer_job.features import MissingSensor, episode_features
from trainer_job.formats import read_bytes, read_recording


@dataclass(frozen=True)
class Patterns:
    """Labelled readings, which count as one episode a label.

    A single row would have no spread, and look like no episode of a machine.

    Attributes
    ----------
    readings
        Column ``episode``, which holds the label, and one a sensor.
    digest
        Changes with the file.
    """

    readings: pd.DataFrame
    digest: str

    def find(
        self, pipeline: Pipeline, sensors: Sequence[str], feature_set: str
    ) -> tuple[list[int], list[str | None]]:
        """Return the mode that each label's readings fall into, and the labels.

        Both are empty where the file lacks a sensor of the model.
        """
        try:
            features = episode_features(self.readings, sensors, feature_set)
        except MissingSensor:
            return [], []
        modes = pipeline.transform(features).argmin(axis=1)
        return [int(mode) for mode in modes], [str(label) for label in features.index]


def read_patterns(file: Path) -> Patterns | None:
    """Return the patterns of a reference file, None where there is no file or no label in it.

    Raises
    ------
    UnusableData
        If a line is not of its format.
    """
    if not file.is_file():
        return None
    content = read_bytes(file)
    rows = [
        {"episode": span.label, **reading}
        for span in read_recording(file, content).spans
        if span.label is not None
        for reading in span.readings
    ]
    if not rows:
        return None
    return Patterns(pd.DataFrame(rows), hashlib.sha256(content).hexdigest())
