"""A claim whose run is gone is taken away, and with it what was never proven."""

import pytest

from tests.unit.operator.builders import MODEL, UID, a_deployment
from trainer_operator.observed import Deployment
from trainer_operator.reconcile.orphans import restore

GONE = a_deployment("2", claim="gone", previous="1")


@pytest.mark.parametrize("deployment", [a_deployment("2"), a_deployment("2", claim=UID)])
def test_no_claim_or_one_of_a_run_that_is_there_stays(deployment: Deployment) -> None:
    assert restore("plant", deployment, {UID}) is None


def test_the_version_before_comes_back_and_the_claim_goes() -> None:
    patch = restore("plant", GONE, {UID})
    assert patch is not None
    assert patch.applies
    version = {
        "training.sensors.dev/model-name": MODEL,
        "training.sensors.dev/model-version": "1",
    }
    assert patch.body["metadata"] == {
        "name": "sensor-predictor",
        "namespace": "plant",
        "uid": "uid-deployment",
        "resourceVersion": "7",
        "annotations": version,
    }
    assert patch.body["spec"]["template"]["metadata"]["annotations"] == version


def test_without_a_version_before_the_annotations_go() -> None:
    patch = restore("plant", a_deployment("1", claim="gone"), ())
    assert patch is not None
    assert patch.applies
    assert patch.body["metadata"]["annotations"] == {}


def test_a_version_that_somebody_changed_stays() -> None:
    patch = restore("plant", a_deployment("2", claim="gone", previous="1", template="9"), ())
    assert patch is not None
    assert patch.body["metadata"]["annotations"] == {
        "training.sensors.dev/run": None,
        "training.sensors.dev/previous-version": None,
    }
