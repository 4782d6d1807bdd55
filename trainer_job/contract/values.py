"""Durations, times and the base of all documents."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
)
from pydantic.alias_generators import to_camel

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"^([0-9]+(ms|s|m|h|d))+$")
DURATION_PATTERN = _DURATION.pattern
"""The CRD uses the same pattern: ``format: duration`` would take "1 day" and refuse 7d."""


def parse_duration(text: str) -> timedelta:
    """Turn ``1h30m`` into a timedelta.

    Parameters
    ----------
    text
        One or more numbers, each with a unit of ms, s, m, h or d.

    Raises
    ------
    ValueError
        If `text` is not of that form, or longer than a timedelta can hold.
    """
    if not _DURATION.fullmatch(text):
        msg = f"{text!r} is not a duration; write numbers with units ms, s, m, h, d, as in 1h30m"
        raise ValueError(msg)
    parts = re.findall(r"([0-9]+)(ms|s|m|h|d)", text)
    try:
        total = sum(int(number) * _MILLISECONDS[unit] for number, unit in parts)
        return timedelta(milliseconds=total)
    except (OverflowError, ValueError):  # ValueError: Python reads no number of 4,301 digits
        msg = f"{text[:40]!r} is longer than can be counted; 36500d is a hundred years"
        raise ValueError(msg) from None


def format_duration(duration: timedelta) -> str:
    """Write a timedelta as ``1h30m``, the inverse of :func:`parse_duration`."""
    rest = round(duration / timedelta(milliseconds=1))
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def _duration_in(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def format_timestamp(value: datetime) -> str:
    """Write a time as RFC 3339 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration_in),
    PlainSerializer(format_duration, return_type=str),
]
Timestamp = Annotated[
    AwareDatetime,
    AfterValidator(_to_utc),
    PlainSerializer(format_timestamp, return_type=str),
]


class Model(BaseModel):
    """Base of all documents: frozen, camelCase outside, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        protected_namespaces=(),
    )

    def to_json(self) -> dict[str, Any]:
        """Return the document as JSON-able values, without the fields that are None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
