"""The failure modes of a file's episodes, by a registered model."""

import io
import logging
import warnings
from pathlib import Path
from typing import Any

import mlflow
import mlflow.pyfunc
import pandas as pd
from mlflow.exceptions import MlflowException

from trainer_job import reasons
from trainer_job.errors import UnusableData
from trainer_job.fetching import find_version
from trainer_job.formats import read_bytes
from trainer_job.registry.tracking import Tracking

EPISODE, TIMESTAMP = "episode", "timestamp"


def read_readings(file: Path) -> pd.DataFrame:
    """Read a CSV of readings: the column ``episode``, optionally ``timestamp``, one a sensor.

    Raises
    ------
    BadConfiguration
        If it cannot be read.
    UnusableData
        If it is no such table.
    """
    content = io.BytesIO(read_bytes(file))
    try:
        table = pd.read_csv(content, dtype={EPISODE: str, TIMESTAMP: str}, encoding="utf-8-sig")
    except ValueError as error:  # of the parser, and of text that is not UTF-8
        raise _bad(file, str(error).strip().partition("\n")[0]) from None
    if EPISODE not in table:
        raise _bad(file, f"line 1 names no column {EPISODE}")
    if table.empty:
        raise _bad(file, "it holds no reading")
    unnamed = table[EPISODE].isna()
    if unnamed.any():
        raise _bad(file, f"reading {int(unnamed.to_numpy().argmax()) + 1} names no {EPISODE}")
    return table


def load(tracking: Tracking, name: str, number: str) -> Any:
    """Return a version as predictors load it. Its code is run: the registry is trusted.

    Raises
    ------
    BadConfiguration
        If there is no such version.
    """
    find_version(tracking, name, number)
    return tracking.ask(lambda _: _load(tracking.spec.uri, f"models:/{name}/{number}"))


def answer(model: Any, readings: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Return what a loaded model says of readings.

    Raises
    ------
    UnusableData
        If it cannot use them.
    """
    sensors = [column for column in readings if column not in {EPISODE, TIMESTAMP}]
    # As in training, what is no number is a gap.
    numbers = readings[sensors].apply(pd.to_numeric, errors="coerce").astype("float64")
    text = [column for column in (EPISODE, TIMESTAMP) if column in readings]
    try:
        answers = model.predict(pd.concat([readings[text], numbers], axis=1))
    except MlflowException as error:
        raise _bad(file, f"the model says: {str(error).rstrip('.')}") from None
    return pd.DataFrame(answers)


def _load(uri: str, model: str) -> Any:
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    # Hints on versions of packages: whether it runs is seen at once.
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mlflow.pyfunc.load_model(model)


def _bad(file: Path, what: str) -> UnusableData:
    return UnusableData(
        reasons.BAD_FILE,
        f"File {file}: {what}. Give a CSV file with one line a reading: the columns episode, "
        "optionally timestamp, and one for each sensor of the model.",
    )
