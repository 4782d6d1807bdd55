"""What may be changed of a run on a real API server, and what may not."""

import json
import re
from typing import Any

import pytest

from hack.cluster.controlplane import ControlPlane
from hack.cluster.errors import ClusterError
from hack.kubectl import Kubectl
from tests.integration.operator.specs import SINCE, UNTIL, champion, data, limits, reference
from tests.support import crd

IMMUTABLE = "cannot be changed after creation; apply a TrainingRun with another name"
CHANGEABLE = {"spec.suspend", "spec.ttlAfterFinished", "spec.promotion.approvedVersion"}


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    return crd.install(control_plane, "crd-changes")


def patch(kubectl: Kubectl, name: str, spec: object) -> str:
    body = json.dumps({"spec": spec})
    return kubectl("patch", "trainingrun", name, "--type=merge", "--patch", body)


FIRST = {
    **data(
        lookback="2h",
        machines=["press-1", "press-2"],
        extendUntil={"episodes": 50, "atMost": "1d"},
    ),
    "model": {"clusters": 3},
    **champion(margin=0.1),
    **reference(name="patterns"),
    "tracking": {"uri": "http://mlflow:5000"},
    "predictor": {"deployment": "sensor-predictor"},
    "job": {**limits(memory="1Gi")["job"], "env": [{"name": "A", "value": "1"}]},
}


@pytest.fixture(scope="module")
def existing(kubectl: Kubectl) -> str:
    kubectl.apply(crd.manifest("existing", FIRST))
    return "existing"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (data(lookback="3h"), "spec.source.data.lookback"),
        (data(lookback=None), "spec.source.data.lookback"),
        (data(lookback=None, since=SINCE, until=UNTIL), "spec.source.data.since"),
        (data(machines=["press-1"]), "spec.source.data.machines"),
        (data(minEpisodes=11), "spec.source.data.minEpisodes"),
        (data(extendUntil=None), "spec.source.data.extendUntil"),
        (data(extendUntil={"atMost": "2d"}), "spec.source.data.extendUntil"),
        (data(rebuild=True), "spec.source.data.rebuild"),
        ({"database": {"secretRef": {"name": "other"}}}, "spec.database"),
        ({"tracking": None}, "spec.tracking"),
        ({"tracking": {"uri": "http://other:5000"}}, "spec.tracking"),
        ({"tracking": {"experiment": "other"}}, "spec.tracking"),
        ({"features": {"set": "robust"}}, "spec.features.set"),
        ({"model": {"algorithm": "wardKMeans"}}, "spec.model.algorithm"),
        ({"model": {"clusters": 4}}, "spec.model.clusters"),
        ({"model": {"clusters": None}}, "spec.model.clusters"),
        ({"model": {"clusters": None, "clusterRange": {}}}, "spec.model.clusterRange"),
        ({"model": {"seed": 1}}, "spec.model.seed"),
        ({"model": {"registeredName": "other"}}, "spec.model.registeredName"),
        ({"gates": {"minSilhouette": 0.1}}, "spec.gates.minSilhouette"),
        ({"gates": {"minF1": 0.6}}, "spec.gates.minF1"),
        ({"gates": {"unlabelled": "Reject"}}, "spec.gates.unlabelled"),
        ({"gates": {"structure": "Report"}}, "spec.gates.structure"),
        ({"gates": {"champion": None}}, "spec.gates.champion"),
        (champion(margin=0.2), "spec.gates.champion"),
        (champion(minImprovement=0), "spec.gates.champion"),
        ({"gates": {"continuity": {"lost": "Reject"}}}, "spec.gates.continuity.lost"),
        ({"gates": {"unchangedData": "Train"}}, "spec.gates.unchangedData"),
        ({"reference": None}, "spec.reference"),
        (reference(key="other"), "spec.reference"),
        ({"promotion": {"policy": "Never"}}, "spec.promotion.policy"),
        ({"promotion": {"alias": "other"}}, "spec.promotion.alias"),
        ({"predictor": None}, "spec.predictor"),
        ({"predictor": {"deployment": "other"}}, "spec.predictor"),
        ({"predictor": {"timeout": "1m"}}, "spec.predictor"),
        ({"job": None}, "spec.job"),
        ({"job": {"image": "other"}}, "spec.job"),
        (limits(memory="2Gi"), "spec.job"),
        (limits(memory=None), "spec.job"),
        ({"retry": {"limit": 0}}, "spec.retry.limit"),
        ({"job": {"env": [{"name": "A", "value": "2"}]}}, "spec.job"),
        ({"job": {"labels": {"a": "b"}}}, "spec.job"),
        ({"source": {"data": None, "modelVersion": "7"}}, "spec.source.data"),
        ({"source": {"data": None, "modelVersion": "7"}}, "spec.source.modelVersion"),
        ({"activeDeadline": "2h"}, "spec.activeDeadline"),
    ],
    ids=json.dumps,
)
def test_refuses_every_change(
    kubectl: Kubectl, existing: str, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(ClusterError, match=rf"{re.escape(field)}: .*{IMMUTABLE}"):
        patch(kubectl, existing, change)


def test_the_changes_that_are_tried_touch_every_field() -> None:
    """Whoever adds a field decides whether it may change, and adds it to the test above."""
    (mark,) = (mark for mark in test_refuses_every_change.pytestmark if mark.name == "parametrize")
    tried = {field for _, field in mark.args[1]}
    whole = (  # as one value
        "spec.source.data.extendUntil",
        "spec.database",
        "spec.tracking",
        "spec.model.clusterRange",
        "spec.reference",
        "spec.gates.champion",
        "spec.predictor",
        "spec.job",
    )
    single = {
        field.path
        for field in crd.fields("spec")
        if "properties" not in field.schema
        and not field.path.startswith(whole)
        and not field.path.endswith("[]")
    }
    # until goes with since, and all of data with modelVersion.
    fixed = (single | set(whole)) - {"spec.source.data.until"} | {"spec.source.data"}
    assert tried == fixed - CHANGEABLE
    assert fixed > CHANGEABLE


def test_applying_the_same_again_changes_nothing(kubectl: Kubectl, existing: str) -> None:
    assert "unchanged" in kubectl.apply(crd.manifest(existing, FIRST))
    assert kubectl.get("trainingrun", existing)["metadata"]["generation"] == 1


def registered(kubectl: Kubectl, name: str, version: str) -> None:
    """Have a run be one whose model got a version."""
    body = json.dumps({"status": {"phase": "AwaitingApproval", "model": {"version": version}}})
    status = ("--subresource=status", "--type=merge", "--patch", body)
    kubectl("patch", "trainingrun", name, *status)


def approve(version: str | None) -> dict[str, Any]:
    return {"promotion": {"approvedVersion": version}}


MANUAL = {"promotion": {"policy": "Manual"}}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("held", {"suspend": True}),
        ("let-go", {"suspend": False}),
        ("kept-longer", {"ttlAfterFinished": "7d"}),
        ("kept-for-ever", {"ttlAfterFinished": None}),
    ],
)
def test_what_may_change_at_any_time(kubectl: Kubectl, name: str, change: dict[str, Any]) -> None:
    first = {"suspend": not change.get("suspend", True), "ttlAfterFinished": "1d"}
    kubectl.apply(crd.manifest(name, first))
    patch(kubectl, name, change)
    stored = kubectl.get("trainingrun", name)
    assert stored["metadata"]["generation"] == 2
    assert {field: stored["spec"].get(field) for field in change} == change


def test_an_approval_cannot_be_given_at_creation(kubectl: Kubectl) -> None:
    """Not even together with a status that would allow it."""
    spec = {"promotion": {"policy": "Manual", "approvedVersion": "3"}}
    early = json.loads(crd.manifest("early", spec))
    early["status"] = {"observedGeneration": 1, "model": {"version": "3"}}
    with pytest.raises(ClusterError, match=r"approvedVersion: .*that this run has registered"):
        kubectl("create", "--filename", "-", stdin=json.dumps(early))


def test_an_approval_is_only_taken_for_the_version_that_was_trained(kubectl: Kubectl) -> None:
    kubectl.apply(crd.manifest("approved", MANUAL))
    words = r"spec\.promotion\.approvedVersion: .*that this run has registered"
    with pytest.raises(ClusterError, match=words):
        patch(kubectl, "approved", approve("12"))
    registered(kubectl, "approved", "12")
    with pytest.raises(ClusterError, match=words):
        patch(kubectl, "approved", approve("11"))
    patch(kubectl, "approved", approve("12"))
    assert kubectl.get("trainingrun", "approved")["spec"]["promotion"]["approvedVersion"] == "12"


def test_an_approval_stays(kubectl: Kubectl) -> None:
    kubectl.apply(crd.manifest("kept", MANUAL))
    registered(kubectl, "kept", "12")
    patch(kubectl, "kept", approve("12"))
    with pytest.raises(ClusterError, match=r"approvedVersion: .*cannot be taken back"):
        patch(kubectl, "kept", approve(None))
    # Its status can still be written, and says the same.
    registered(kubectl, "kept", "12")
