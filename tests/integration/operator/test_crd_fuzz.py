"""Specs at random against a real API server: it takes what the schema says, and nothing else."""

import json
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings

from hack.cluster.controlplane import ControlPlane
from tests.integration.operator import fuzz
from tests.integration.operator.fuzz import Broken
from tests.support import crd
from tests.support.rest import Object, Rest
from trainer_operator.models import TrainingRun

pytestmark = pytest.mark.timeout(180)

NAMESPACE = "crd-fuzz"
RUNS = f"/apis/training.sensors.dev/v1alpha1/namespaces/{NAMESPACE}/trainingruns"
FUZZ = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def rest(control_plane: ControlPlane) -> Rest:
    """An administrator, with the resource known."""
    crd.install(control_plane, NAMESPACE)
    return Rest(control_plane, "fuzzer")


def propose(rest: Rest, spec: object) -> requests.Response:
    """Ask whether a spec would be accepted; nothing is kept."""
    return rest.session.post(
        f"{rest.url}{RUNS}?dryRun=All&fieldValidation=Strict",
        data=crd.manifest("proposed", spec),
        headers={"Content-Type": "application/json"},
        timeout=10,
    )


def read(rest: Rest, spec: object) -> tuple[Object, TrainingRun]:
    """Return the spec as the API server completes it, and the run as the operator reads it."""
    answer = propose(rest, spec)
    assert answer.status_code == 201, answer.json()["message"]
    raw = {**answer.json()}
    raw["metadata"] = {"resourceVersion": "1", **raw["metadata"]}
    return raw["spec"], TrainingRun.read(raw)


def leaves(value: Any, path: str = "spec") -> dict[str, Any]:
    """Return what stands at each path; empty objects and lists say nothing."""
    children: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        children = [(f"{path}.{key}", one) for key, one in value.items()]
    elif isinstance(value, list):
        children = [(f"{path}[{place}]", one) for place, one in enumerate(value)]
    else:
        return {path: value}
    return {key: one for name, child in children for key, one in leaves(child, name).items()}


@FUZZ
@given(fuzz.specs())
@example({})
def test_generated_specs_are_accepted_and_round_trip(rest: Rest, spec: Object) -> None:
    completed, run = read(rest, spec)
    assert run.invalid is None
    assert leaves(spec).keys() <= leaves(completed).keys()
    written = run.spec.to_json()
    assert leaves(completed).keys() <= leaves(written).keys(), "the operator loses what was asked"
    assert read(rest, written)[1].spec == run.spec


@FUZZ
@given(fuzz.broken())
def test_mutated_specs_are_refused_by_name(rest: Rest, broken: Broken) -> None:
    assert fault(rest, broken) == ""


def test_every_field_refuses_each_mistake_by_name(rest: Rest) -> None:
    faults = [fault(rest, broken) for broken in fuzz.every_mistake()]
    assert len(faults) > len(crd.fields("spec"))
    assert [each for each in faults if each] == []


def fault(rest: Rest, broken: Broken) -> str:
    """Return what is wrong with the answer to a spec that must be refused."""
    answer = propose(rest, broken.spec)
    if answer.status_code not in {400, 422}:
        return f"{broken.field}: {broken.wrong!r} is accepted in {json.dumps(broken.spec)}"
    message = answer.json()["message"]
    # Of a list in a text's place a rule may stumble first, which stands at the parent.
    parent = broken.field.rpartition(".")[0]
    if f"{parent}: Invalid value" in message and "invalid data, expected string" in message:
        return ""
    return "" if broken.field in message else f"{broken.field} is not named in: {message}"


@FUZZ
@given(fuzz.specs())
def test_an_unknown_field_is_refused_by_name(rest: Rest, spec: Object) -> None:
    answer = propose(rest, {**spec, "lookBack": "1h"})
    assert answer.status_code == 400
    assert 'unknown field "spec.lookBack"' in answer.json()["message"]
