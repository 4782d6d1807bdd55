"""A new run: it fails at once, or gets its records."""

import pytest

from tests.unit.operator.builders import (
    NOW,
    PREDICTOR,
    SETTINGS,
    Object,
    a_deployment,
    a_run,
    admitted,
    look,
)
from trainer_operator.observed import Observed
from trainer_operator.reconcile import decide
from trainer_operator.reconcile.admission import effective
from trainer_operator.settings import Settings


def test_records_come_before_the_job() -> None:
    plan = look(a_run())
    assert plan.action is None
    status = plan.status.to_json()
    assert status["phase"] == "Pending"
    assert status["asOf"] == status["startTime"] == "2026-05-01T12:00:00Z"
    assert status["effective"] == {
        "image": "trainer/job:1",
        "imagePullPolicy": "IfNotPresent",
        "resources": {"limits": {}, "requests": {}},
        "database": {"name": "trainer-database"},
        "tracking": {"uri": "http://mlflow:5000", "experiment": "sensor_failure_clustering"},
        "activeDeadline": "1h",
        "rolloutTimeout": "5m",
    }
    assert "job" not in status


def test_a_missing_deployment_is_found_before_training() -> None:
    plan = look(a_run(PREDICTOR))
    assert plan.action is None
    assert plan.status.phase == "Failed"
    assert plan.status.as_of is None
    assert plan.reason == "DeploymentMissing"
    assert "sensor-predictor" in str(plan.status.message)
    assert "spec.predictor.deployment" in str(plan.status.message)


def test_a_deployment_that_will_not_be_used_need_not_exist() -> None:
    spec = {**PREDICTOR, "promotion": {"policy": "Never"}}
    assert look(a_run(spec)).status.phase == "Pending"
    assert look(a_run(PREDICTOR), deployment=a_deployment()).status.phase == "Pending"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"features": {"set": "best"}}, ["spec.features.set", "basic"]),
        ({"source": {"data": {"since": "2026-01-01T00:00:00Z"}}}, ["spec.source.data", "until"]),
        ({"activeDeadline": "0s"}, ["spec.activeDeadline", "1s"]),
        ({"modle": {}}, ["spec.modle"]),
    ],
)
def test_a_spec_that_the_schema_let_through_is_named(spec: Object, words: list[str]) -> None:
    plan = look(a_run(spec))
    assert plan.status.phase == "Failed"
    assert plan.reason == "InvalidSpec"
    for word in words:
        assert word in str(plan.status.message)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_run_is_left_alone(phase: str) -> None:
    for run in (a_run(status=admitted(phase)), a_run({"modle": 1}, admitted(phase))):
        assert decide(Observed(run), NOW, SETTINGS) is None


def test_a_run_that_is_being_deleted_is_left_alone() -> None:
    run = a_run(deletionTimestamp="2026-05-01T12:00:00Z")
    assert decide(Observed(run), NOW, SETTINGS) is None


def test_the_spec_wins_over_the_operators_defaults() -> None:
    spec = {
        "database": {"secretRef": {"name": "own-database"}},
        "tracking": {"uri": "http://own:5000", "experiment": "own"},
        "job": {"image": "own:1", "imagePullPolicy": "Never", "resources": {"limits": {"cpu": 1}}},
        "activeDeadline": "90s",
        "predictor": {"deployment": "d", "timeout": "30s"},
    }
    assert effective(a_run(spec), SETTINGS).to_json() == {
        "image": "own:1",
        "imagePullPolicy": "Never",
        "resources": {"limits": {"cpu": 1}, "requests": {}},
        "database": {"name": "own-database"},
        "tracking": {"uri": "http://own:5000", "experiment": "own"},
        "activeDeadline": "1m30s",
        "rolloutTimeout": "30s",
    }


def test_the_default_credentials_are_for_the_default_server_alone() -> None:
    settings = Settings(job_image="i", tracking_secret="mlflow")
    default = effective(a_run(), settings).tracking.secret_ref
    assert default is not None
    assert default.name == "mlflow"
    elsewhere = a_run({"tracking": {"uri": "http://elsewhere:5000"}})
    assert effective(elsewhere, settings).tracking.secret_ref is None
