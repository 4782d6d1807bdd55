"""Specs made at random from the resource's own schema, and what is wrong with broken ones."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support import crd

Schema = dict[str, Any]
Strategy = st.SearchStrategy[Any]

_ASCII = st.characters(min_codepoint=33, max_codepoint=126)
_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True)
_EXACTLY_ONE = {
    "spec.job.env[]": ("value", "valueFrom"),
    "spec.job.env[].valueFrom": ("secretKeyRef", "configMapKeyRef"),
    "spec.job.envFrom[]": ("secretRef", "configMapRef"),
    "spec.job.volumes[]": ("configMap", "secret", "persistentVolumeClaim", "emptyDir"),
}
_AT_MOST_ONE = {"spec.model": ("clusters", "clusterRange")}
_NOT_AT_CREATION = "spec.promotion.approvedVersion"
_RESERVED = {
    "spec.job.env[].name": r"TRAINER_RUN|SENSOR_DATA_FILE|POSTGRES_.*|MLFLOW_TRACKING_.*",
    "spec.job.volumes[].name": r"tmp|reference",
    "spec.job.volumes[].mountPath": r"/(tmp|reference|opt)(/.*)?",
    "spec.promotion.alias": r"[vV][0-9]+|[lL][aA][tT][eE][sS][tT]",
    "spec.tracking.uri": r"https?://[^/]*@.*",
}
"""What the rules beside the patterns refuse."""


def specs() -> Strategy:
    """Return specs that the API server must accept."""
    schema = crd.version()["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return _value(schema, "spec")


def _value(schema: Schema, path: str) -> Strategy:
    if (special := _special(path)) is not None:
        return special
    if enum := schema.get("enum"):
        return st.sampled_from(enum)
    if schema.get("x-kubernetes-int-or-string"):
        return st.integers(0, 999) | st.from_regex(r"[0-9]{1,3}(Mi|Gi|m)?", fullmatch=True)
    kinds: dict[str, Callable[[Schema, str], Strategy]] = {
        "object": _object,
        "array": _array,
        "string": _string,
        "integer": _integer,
        "number": _number,
    }
    kind = schema["type"]
    return st.booleans() if kind == "boolean" else kinds[kind](schema, path)


def _special(path: str) -> Strategy | None:
    if path == "spec.source":
        version = st.from_regex(r"[1-9][0-9]{0,8}", fullmatch=True)
        data = _value(_schema("spec.source.data"), "spec.source.data")
        either = data.map(lambda one: {"data": one}) | version.map(
            lambda one: {"modelVersion": one}
        )
        return st.just({"data": {}}) | either
    if path == "spec.source.data.since":
        return st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(_timestamp)
    return None


def _object(schema: Schema, path: str) -> Strategy:
    if values := schema.get("additionalProperties"):
        return st.dictionaries(_NAMES, _value(values, f"{path}.*"), max_size=3)
    groups = (*_EXACTLY_ONE.get(path, ()), *_AT_MOST_ONE.get(path, ()))
    own = {
        name: _value(child, f"{path}.{name}")
        for name, child in schema["properties"].items()
        if f"{path}.{name}" != _NOT_AT_CREATION
    }
    needed = schema.get("required", ())
    made = st.fixed_dictionaries(
        {name: own[name] for name in needed},
        optional={name: one for name, one in own.items() if name not in {*needed, *groups}},
    )
    for names, least in ((_EXACTLY_ONE.get(path), 1), (_AT_MOST_ONE.get(path), 0)):
        if names:
            chosen = [st.fixed_dictionaries({name: own[name]}) for name in names]
            extra = st.one_of(chosen if least else [st.just({}), *chosen])
            made = st.tuples(made, extra).map(lambda pair: {**pair[0], **pair[1]})
    return made.map(lambda value: _agree(path, value))


def _agree(path: str, value: Any) -> Any:
    """Return the value with fields that agree with each other."""
    if path == "spec.source.data":
        value.pop("until", None)
        if "lookback" in value:
            value.pop("since", None)
        if "since" in value:
            later = datetime.fromisoformat(value["since"]) + timedelta(minutes=7)
            value["until"] = _timestamp(later)
        if "extendUntil" in value:
            least = value.get("minEpisodes", 10)
            value["extendUntil"]["episodes"] = max(value["extendUntil"]["episodes"], least)
    if path == "spec.model.clusterRange":
        value["max"] = max(value.get("max", 8), value.get("min", 2))
    if path == "spec.job.volumes[]" and "emptyDir" in value:
        value["readOnly"] = False
    return value


def _array(schema: Schema, path: str) -> Strategy:
    items = _value(schema["items"], f"{path}[]")
    keys = schema.get("x-kubernetes-list-map-keys")
    unique: Callable[[Any], Any] | None = None
    if keys:
        unique = lambda item: tuple(item[key] for key in keys)  # noqa: E731 - None otherwise
    elif schema.get("x-kubernetes-list-type") == "set":
        unique = lambda item: item  # noqa: E731 - as above
    return st.lists(items, max_size=3, unique_by=unique)


def _string(schema: Schema, path: str) -> Strategy:
    pattern = schema.get("pattern")
    least, most = schema.get("minLength", 0), schema.get("maxLength", 64)
    if pattern and "ms|s|m|h|d" in pattern:
        return st.tuples(st.integers(1, 999), st.sampled_from("smhd")).map(
            lambda pair: f"{pair[0]}{pair[1]}"
        )
    if pattern is None:
        return st.text(_ASCII, min_size=least, max_size=min(most, 20))
    reserved = re.compile(_RESERVED.get(path, r"[^\s\S]"))
    made = st.from_regex(pattern, fullmatch=True, alphabet=_ASCII)
    return made.filter(lambda text: least <= len(text) <= most and not reserved.fullmatch(text))


def _integer(schema: Schema, path: str) -> Strategy:
    return st.integers(schema.get("minimum", -(2**31)), schema.get("maximum", 2**31 - 1))


def _number(schema: Schema, path: str) -> Strategy:
    return st.floats(schema["minimum"], schema["maximum"], allow_subnormal=False)


def _timestamp(moment: datetime) -> str:
    return moment.replace(tzinfo=UTC, microsecond=0).isoformat()


def _schema(path: str) -> Schema:
    (found,) = [field.schema for field in crd.fields("spec") if field.path == path]
    return found


# What is wrong ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """A spec that must be refused, and the field that the answer must name."""

    spec: dict[str, Any]
    field: str
    wrong: object


def broken() -> Strategy:
    """Return specs with one field of each that is wrong by its own schema."""
    return st.builds(
        lambda spec, mistake: _break(_without_choices(spec), *mistake),
        specs(),
        st.sampled_from(_mistakes()),
    )


def every_mistake() -> list[Broken]:
    """Return each field with each value that is wrong for it, in a spec that says nothing else."""
    return [_break({}, *mistake) for mistake in _mistakes()]


def _mistakes() -> list[tuple[str, object]]:
    return [(field.path, wrong) for field in crd.fields("spec") for wrong in _wrong(field.schema)]


def _wrong(schema: Schema) -> list[object]:
    """Return values of the wrong type, and those just beyond what is allowed."""
    kind = schema.get("type")
    kinds: dict[str, list[object]] = {
        "object": ["text", [1]],
        "array": ["text", {"a": 1}],
        "string": [7, True, ["text"]],
        "integer": ["seven", 2.5, True],
        "number": ["half", True],
        "boolean": ["yes", 1],
    }
    found = list(kinds.get(str(kind), ()))
    if "minimum" in schema and kind:
        found.append(schema["minimum"] - 1)
    if "maximum" in schema:
        found.append(schema["maximum"] + 1)
    if "enum" in schema:
        found.append("Nonsense")
    if "pattern" in schema and kind:
        found.append("\x07 ? ")
    if "maxLength" in schema and kind:
        found.append("a" * (schema["maxLength"] + 1))
    return found


def _without_choices(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the spec without what a broken field could stand beside and not be told."""
    return {key: value for key, value in spec.items() if key not in {"source", "model"}}


def _break(spec: dict[str, Any], path: str, wrong: object) -> Broken:
    """Put a wrong value at a path, through whatever has to be made on the way."""
    parts = re.findall(r"[^.\[\]*]+|\[\]|\*", path.removeprefix("spec."))
    names, here = "spec", spec
    target: Any = here
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        key: Any = 0 if part == "[]" else "some" if part == "*" else part
        names += "[0]" if part == "[]" else f".{key}"
        if following is None:
            _set(target, key, wrong)
        else:
            target = _into(target, key, [] if following == "[]" else {})
    return Broken(here, names, wrong)


def _into(target: Any, key: Any, empty: Any) -> Any:
    if isinstance(target, list):
        if not target or type(target[0]) is not type(empty):
            target[:] = [empty]
        return target[0]
    if type(target.get(key)) is not type(empty):
        target[key] = empty
    return target[key]


def _set(target: Any, key: Any, value: object) -> None:
    if isinstance(target, list):
        target[:] = [value]
    else:
        target[key] = value
