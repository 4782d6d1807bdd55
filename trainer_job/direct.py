"""Direct mode: a run made of the replaced service's variables and of flags, without operator."""

import math
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError

from trainer_job import reasons
from trainer_job.contract import RunDocument
from trainer_job.errors import BadConfiguration

Place = tuple[str, ...]
"""Where a value stands in the run document."""

DEFAULT_TRACKING_URI = "http://mlflow:5000"
DEFAULT_REFERENCE = "data_sensors.csv"

LOOKBACK: Place = ("data", "lookback")
TRACKING_URI: Place = ("tracking", "uri")

_VARIABLES: dict[str, Place] = {
    "MLFLOW_TRACKING_URI": TRACKING_URI,
    "MODEL_F1_THRESHOLD": ("gates", "minF1"),
    "N_CLUSTERS": ("model", "clusters"),
    "TRAINING_LOOKBACK_HOURS": LOOKBACK,
}
_OLD_MODES = ("API_MODE", "WORKER_MODE")


class Value(NamedTuple):
    """A value with the name of the variable or flag that gave it."""

    name: str
    value: object


Values = Mapping[Place, Value]


def refuse_old_modes(environ: Mapping[str, str]) -> None:
    """Check that nobody asks for a mode of the replaced service that does not exist here.

    Raises
    ------
    BadConfiguration
        If API_MODE or WORKER_MODE is true.
    """
    for name in _OLD_MODES:
        if environ.get(name, "").strip().lower() in {"true", "1", "yes", "on"}:
            raise BadConfiguration(
                reasons.UNSUPPORTED_MODE,
                f"{name} is {environ[name]}, but there is no REST service and no worker here: "
                "trainings are asked for with kubectl apply of a TrainingRun. To train once now, "
                f"remove {name} or set it to false.",
            )


def variables(environ: Mapping[str, str]) -> Values:
    """Return what the replaced service's variables say; an empty one counts as not set.

    Raises
    ------
    BadConfiguration
        If TRAINING_LOOKBACK_HOURS is no number of hours.
    """
    values: dict[Place, Value] = {TRACKING_URI: Value("MLFLOW_TRACKING_URI", DEFAULT_TRACKING_URI)}
    for name, place in _VARIABLES.items():
        if text := environ.get(name, "").strip():
            values[place] = Value(name, _hours(name, text) if place == LOOKBACK else text)
    return values


def _hours(name: str, text: str) -> timedelta:
    try:
        hours = float(text)
        if not math.isfinite(hours) or hours <= 0:
            raise ValueError
        return timedelta(hours=hours)
    except (ValueError, OverflowError):
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            f"{name} is {text!r}; it must be a number of hours above 0, as in 1 or 0.5.",
        ) from None


def document(values: Values, now: datetime) -> RunDocument:
    """Make the document of a run of today.

    Raises
    ------
    BadConfiguration
        If a value cannot be used; the message names its variable or flag.
    """
    uid = str(uuid.uuid4())
    identity = {"name": f"direct-{now:%Y%m%d-%H%M%S}", "uid": uid}
    tree: dict[str, Any] = {"run": identity, "asOf": now}
    for (part, key), value in values.items():
        tree.setdefault(part, {})[key] = value.value
    try:
        return RunDocument.model_validate(tree)
    except ValidationError as error:
        wrong = [_explain(dict(detail), values) for detail in error.errors(include_url=False)]
        raise BadConfiguration(reasons.INVALID_CONFIGURATION, " ".join(wrong)) from None


def since(document: RunDocument, moment: datetime) -> RunDocument:
    """Return the document with the window [moment, asOf)."""
    window = {"since": moment, "until": document.as_of, "lookback": None}
    return document.model_copy(update={"data": document.data.model_copy(update=window)})


def _explain(detail: dict[str, Any], values: Values) -> str:
    place = tuple(str(part) for part in detail["loc"])
    given = values.get(place[:2], Value(".".join(place), detail["input"]))
    return f"{given.name} is {str(given.value)!r}: {detail['msg']}."
