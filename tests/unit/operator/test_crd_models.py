"""The CRD, the operator's models, the examples and the documents say the same."""

import re
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from hack import images
from tests.support import crd
from trainer_job import reasons as job_reasons
from trainer_job.contract import DURATION_PATTERN, ChampionSpec, Stage, parse_duration
from trainer_operator import constants
from trainer_operator import reasons as operator_reasons
from trainer_operator.models import (
    ConfigMapReference,
    Phase,
    ReferenceSpec,
    TrainingRunSpec,
    TrainingRunStatus,
)
from trainer_operator.reasons import Reason

MODELS: dict[str, type[BaseModel]] = {"spec": TrainingRunSpec, "status": TrainingRunStatus}
LATER = {"spec.promotion.approvedVersion"}
"""Cannot be given at creation, so no example shows it."""

PASSED = {
    "BetterThanChampion",
    "F1Reached",
    "F1Unknown",
    "Labelled",
    "ModesGoOn",
    "NoChampion",
    "NotCompared",
    "NotWorseThanChampion",
    "OneMode",
    "SilhouetteReached",
    "SilhouetteUndefined",
    "StructureFound",
    "UnlabelledAllowed",
}
"""Reasons of a gate that passed: told in the decision's sentence, not as a reason of its own."""
COMMANDS = {"NoReport", "RunMissing"}
"""Reasons of commands that people give and no Job runs."""


@cache
def model_fields(root: str) -> dict[str, crd.Field]:
    """Return the fields of a model in the form of those of the CRD."""
    schema = resolve(MODELS[root].model_json_schema(by_alias=True), None)
    return {field.path: field for field in crd.below(crd.Field(root, schema))}


def resolve(node: Any, definitions: Any) -> Any:
    """Return a JSON schema without references, and without the null of optional fields."""
    if isinstance(node, list):
        return [resolve(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    definitions = definitions or node.get("$defs", {})
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        more = {key: value for key, value in node.items() if key != "$ref"}
        return resolve(definitions[name] | more, definitions)
    choices = [each for each in node.get("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1:
        more = {key: value for key, value in node.items() if key != "anyOf"}
        return resolve(choices[0] | more, definitions)
    if choices:
        node = node | {"anyOf": choices}
    return {key: resolve(value, definitions) for key, value in node.items() if key != "$defs"}


def pairs(*roots: str, leaves: bool = False) -> list[Any]:
    """Return each field as the CRD and as the model has it."""
    return [
        pytest.param(
            field, model_fields(root).get(field.path, crd.Field(field.path, {})), id=field.path
        )
        for root in roots
        for field in crd.fields(root)
        if not (leaves and "properties" in field.schema)
    ]


@pytest.mark.parametrize("root", ["spec", "status"])
def test_no_field_is_missing(root: str) -> None:
    fields = {field.path for field in crd.fields(root)}
    assert len(fields) > 20
    assert fields == set(model_fields(root))


@pytest.mark.parametrize(("field", "modelled"), pairs("spec", "status"))
def test_types_are_the_same(field: crd.Field, modelled: crd.Field) -> None:
    if field.schema.get("x-kubernetes-int-or-string"):
        assert types(modelled.schema) == {"integer", "string"}
    else:
        assert types(modelled.schema) == {field.schema["type"]}


def types(schema: dict[str, Any]) -> set[str]:
    return {each["type"] for each in schema.get("anyOf", [schema])}


@pytest.mark.parametrize(("field", "modelled"), pairs("spec"))
def test_fields_are_required_alike(field: crd.Field, modelled: crd.Field) -> None:
    assert field.required == modelled.required


@pytest.mark.parametrize(("field", "modelled"), pairs("spec", leaves=True))
def test_defaults_are_the_same(field: crd.Field, modelled: crd.Field) -> None:
    ours, theirs = field.schema.get("default"), modelled.schema.get("default")
    if modelled.schema.get("format") == "duration" and ours and theirs:  # the one in ISO 8601
        assert parse_duration(ours) == TypeAdapter(timedelta).validate_python(theirs)
    else:
        assert ours == theirs


@pytest.mark.parametrize(("field", "modelled"), pairs("spec", leaves=True))
def test_values_are_limited_alike(field: crd.Field, modelled: crd.Field) -> None:
    """What the resource accepts the models accept; a text may be shorter and simpler there."""
    ours, theirs = field.schema, modelled.schema
    if "const" in theirs:
        theirs = theirs | {"enum": [theirs["const"]]}
    assert ours.get("enum") == theirs.get("enum")
    assert ours.get("minimum", float("-inf")) >= theirs.get("minimum", float("-inf"))
    assert ours.get("maximum", float("inf")) <= theirs.get("maximum", float("inf"))
    assert ours.get("minLength", 0) >= theirs.get("minLength", 0)
    assert ours.get("maxLength", float("inf")) <= theirs.get("maxLength", float("inf"))
    if "pattern" in theirs:
        assert ours["pattern"] == theirs["pattern"]
    if theirs.get("format") == "duration":
        assert ours["pattern"] == DURATION_PATTERN
    assert (ours.get("format") == "date-time") == (theirs.get("format") == "date-time")


@pytest.mark.parametrize("root", ["spec", "status"])
def test_every_field_is_described(root: str) -> None:
    for field in crd.fields(root):
        assert field.schema.get("description", "").endswith("."), field.path


def test_everything_in_the_spec_is_bounded() -> None:
    """The API server budgets the cost of its rules by the largest value that is possible."""
    for field in crd.fields("spec"):
        kind = field.schema.get("type", "string")
        if kind == "string" and "enum" not in field.schema:
            assert "maxLength" in field.schema, field.path
        if kind == "array":
            assert "maxItems" in field.schema, field.path
        if "additionalProperties" in field.schema:
            assert "maxProperties" in field.schema, field.path


def test_the_examples_show_every_field() -> None:
    shown = set()
    for file in (images.ROOT / "examples").glob("trainingrun*.yaml"):
        shown |= paths(yaml.safe_load(file.read_text())["spec"], "spec")
    assert {path for path in map(plain, crd.fields("spec")) if path not in shown} == LATER


def paths(node: object, path: str) -> set[str]:
    if not isinstance(node, dict):
        return {path}
    return {path}.union(*(paths(value, f"{path}.{key}") for key, value in node.items()))


def plain(field: crd.Field) -> str:
    return re.sub(r"(\[\]|\.\*).*", "", field.path)


def test_the_examples_are_specs_of_the_models() -> None:
    files = list((images.ROOT / "examples").glob("trainingrun*.yaml"))
    assert len(files) >= 3
    for file in files:
        TrainingRunSpec.model_validate(yaml.safe_load(file.read_text())["spec"])


def test_the_full_example_writes_the_defaults() -> None:
    """All but what it says is the default of another place, or a choice."""
    written = yaml.safe_load((images.ROOT / "examples/trainingrun-full.yaml").read_text())["spec"]
    example, default = TrainingRunSpec.model_validate(written), TrainingRunSpec()
    for name in ("features", "promotion", "retry"):
        assert getattr(example, name) == getattr(default, name)
    # A number of clusters has a default only where there is no range.
    assert example.model == default.model.model_copy(update={"clusters": default.model.number})
    assert example.gates == default.gates.model_copy(update={"champion": ChampionSpec()})
    assert example.source.data is not None
    assert default.source.data is not None
    assert example.source.data.rebuild is default.source.data.rebuild
    assert example.reference == ReferenceSpec(
        config_map_ref=ConfigMapReference(name="failure-patterns")
    )


def test_the_chart_carries_the_same_resource() -> None:
    copy = images.ROOT / "deploy/helm/trainer-operator/files" / crd.FILE.name
    command = f"cp {crd.FILE.relative_to(images.ROOT)} {copy.relative_to(images.ROOT)}"
    assert copy.read_text() == crd.FILE.read_text(), f"out of date; run: {command}"


@pytest.mark.parametrize("root", ["spec", "status"])
def test_the_document_names_every_field(root: str) -> None:
    text = (images.ROOT / "docs/trainingrun.md").read_text()
    named = set(re.findall(r"^\| `([\w.]+)`", text, re.MULTILINE))
    leaves = {
        plain(field).removeprefix(f"{root}.")
        for field in crd.fields(root)
        if "properties" not in field.schema and not field.path.startswith("status.conditions")
    }
    assert leaves - named == set()


def test_the_document_names_every_reason() -> None:
    ours = {each.name for each in vars(operator_reasons).values() if isinstance(each, Reason)}
    jobs = {value for name, value in vars(job_reasons).items() if name.isupper()}
    named = set(re.findall(r"`(\w+)`", (images.ROOT / "docs/trainingrun.md").read_text()))
    assert len(ours) > 20
    assert (ours | jobs) - PASSED - COMMANDS - named == set()
    assert (PASSED | COMMANDS) - jobs == set()


def test_the_document_names_every_condition_phase_and_stage() -> None:
    named = set(re.findall(r"`(\w+)`", (images.ROOT / "docs/trainingrun.md").read_text()))
    conditions = ("RECONCILING", "STALLED", "READY", "TRAINED", "EVALUATED", "PROMOTED", "FINISHED")
    assert {getattr(constants, name) for name in conditions} | set(Phase) | set(Stage) <= named
