"""Direct mode: a run made of the replaced service's variables and of flags, without operator."""

import math
import re
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
SINCE: Place = ("data", "since")
UNTIL: Place = ("data", "until")
CLUSTERS: Place = ("model", "clusters")
CLUSTER_RANGE: Place = ("model", "clusterRange")
TRACKING_URI: Place = ("tracking", "uri")

_VARIABLES: dict[str, Place] = {
    "MLFLOW_TRACKING_URI": TRACKING_URI,
    "MODEL_F1_THRESHOLD": ("gates", "minF1"),
    "N_CLUSTERS": CLUSTERS,
    "TRAINING_LOOKBACK_HOURS": LOOKBACK,
}
_INSTEAD = {LOOKBACK: (SINCE, UNTIL), CLUSTERS: (CLUSTER_RANGE,)}
"""Place → the places of what can be given instead."""

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


def merge(variables: Values, flags: Values) -> Values:
    """Return both: a flag wins over its variable, and over that of what it is given instead of."""
    kept = {
        place: value
        for place, value in variables.items()
        if not any(other in flags for other in _INSTEAD.get(place, ()))
    }
    return {**kept, **flags}


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
    for place, value in values.items():
        branch = tree
        for part in place[:-1]:
            branch = branch.setdefault(part, {})
        branch[place[-1]] = _range(value) if place == CLUSTER_RANGE else value.value
    try:
        return RunDocument.model_validate(tree)
    except ValidationError as error:
        wrong = [_explain(dict(detail), values) for detail in error.errors(include_url=False)]
        raise BadConfiguration(reasons.INVALID_CONFIGURATION, " ".join(wrong)) from None


def since(document: RunDocument, moment: datetime) -> RunDocument:
    """Return the document with the window [moment, asOf)."""
    window = {"since": moment, "until": document.as_of, "lookback": None}
    return document.model_copy(update={"data": document.data.model_copy(update=window)})


def field_of(place: Place) -> str:
    """Return the field of a TrainingRun that a place comes from."""
    return ".".join(("spec", "source", *place) if place[0] == "data" else ("spec", *place))


def _range(value: Value) -> dict[str, str]:
    parts = str(value.value).split("-")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION,
            f"{value.name} is {str(value.value)!r}; write the smallest and the largest number, as "
            "in 2-8.",
        )
    return {"min": parts[0].strip(), "max": parts[1].strip()}


def _explain(detail: dict[str, Any], values: Values) -> str:
    """Return what is wrong with a value, or with what several say together."""
    place = tuple(str(part) for part in detail["loc"])
    said = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "missing":
        return f"{field_of(place)} is missing."
    for length in range(len(place), 1, -1):
        if given := values.get(place[:length]):
            return f"{given.name} is {_shown(given.value)}: {said}."
    # Of several fields together: each is called what the user gave it by.
    for other, given in values.items():
        if other[: len(place)] == place:
            said = re.sub(rf"(?<![-\w]){other[-1]}(?!\w)", given.name, said)
    return f"{said[0].upper()}{said[1:]}."


def _shown(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else repr(str(value))
