"""The resource on a real API server: what it accepts, refuses and how it says so."""

import json
import re
from typing import Any

import pytest

from hack import images
from hack.cluster.controlplane import ControlPlane
from hack.cluster.errors import ClusterError
from hack.kubectl import Kubectl
from tests.support import crd
from trainer_operator.models import TrainingRunSpec

IMMUTABLE = "cannot be changed after creation; apply a TrainingRun with another name"
SINCE, UNTIL = "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    return crd.install(control_plane, "crd-tests")


def data(**given: object) -> dict[str, Any]:
    return {"source": {"data": given}}


def limits(**given: object) -> dict[str, Any]:
    return {"job": {"resources": {"limits": given}}}


def champion(**given: object) -> dict[str, Any]:
    return {"gates": {"champion": given}}


def reference(**given: object) -> dict[str, Any]:
    return {"reference": {"configMapRef": given}}


def propose(kubectl: Kubectl, spec: object) -> str:
    """Ask whether a spec would be accepted; nothing is kept."""
    asked = crd.manifest("proposed", spec)
    return kubectl("apply", "--dry-run=server", "--filename", "-", stdin=asked)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        None,
        {"model": None},
        data(),
        data(lookback="1h30m"),
        data(lookback="99999d"),
        data(lookback="604800s"),
        data(lookback="1000ms"),
        data(lookback="0h30m"),
        data(since=SINCE, until=UNTIL),
        data(since="2026-05-01T02:00:00.5+02:00", until="2026-05-01T00:00:01Z"),
        data(machines=["press 1", "Press/2"], minEpisodes=1),
        data(extendUntil={"episodes": 10, "atMost": "30d"}, rebuild=True),
        data(since=SINCE, until=UNTIL, extendUntil={"episodes": 1000000, "atMost": "99999d"}),
        data(minEpisodes=3, extendUntil={"episodes": 3, "atMost": "1s"}),
        {"model": {"clusters": 1, "seed": 2**32 - 1, "registeredName": "A b_c.d-1"}},
        {"model": {"clusterRange": {}}},
        {"model": {"clusterRange": {"min": 1, "max": 100}, "algorithm": "gaussianMixture"}},
        {"model": {"clusterRange": {"min": 5, "max": 5}}},
        {"features": {"set": "catch22"}},
        {"reference": {"configMapRef": {"name": "patterns"}}},
        {"reference": {"configMapRef": {"name": "a.b", "key": ".May_2026-05..csv"}}},
        {"gates": {"minSilhouette": -1, "minF1": 1, "unlabelled": "Reject"}},
        {"gates": {"champion": {}, "continuity": {}}},
        {"gates": {"structure": "Report", "unchangedData": "Train"}},
        {"gates": {"continuity": {"lost": "Manual"}, "champion": {"fraction": 0.01, "margin": 0}}},
        {"gates": {"champion": {"lookback": "7d", "minImprovement": 1, "inconclusive": "Manual"}}},
        {"promotion": {"policy": "Never", "alias": "line-4"}},
        {"tracking": {"uri": "https://mlflow.example:8443/a@b"}},
        {"predictor": {"deployment": "a.b-c"}},
        limits(cpu=2, memory="1.5Gi", **{"nvidia.com/gpu": "1"}),
        {"database": {}, "tracking": {}, "job": {}},
    ],
    ids=json.dumps,
)
def test_accepts(kubectl: Kubectl, spec: object) -> None:
    assert "created" in propose(kubectl, spec)


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"modle": {}}, "spec.modle", "unknown field"),
        ({"model": {"clusterz": 3}}, "spec.model.clusterz", "unknown field"),
        ({"suspend": False}, "spec.suspend", "unknown field"),
        ({"model": {"clusters": "three"}}, "spec.model.clusters", "must be of type integer"),
        ({"model": {"clusters": 2.5}}, "spec.model.clusters", "must be of type integer"),
        ({"model": {"clusters": 0}}, "spec.model.clusters", "greater than or equal to 1"),
        ({"model": {"clusters": 101}}, "spec.model.clusters", "less than or equal to 100"),
        ({"model": {"seed": 2**32}}, "spec.model.seed", "less than or equal to 4294967295"),
        ({"model": {"algorithm": "ward"}}, "spec.model.algorithm", '"kmeans", "wardKMeans"'),
        (
            {"model": {"clusters": 3, "clusterRange": {}}},
            "spec.model",
            "give either clusters or clusterRange, not both",
        ),
        ({"model": {"clusterRange": {"min": 9}}}, "spec.model.clusterRange.min", "above max"),
        ({"model": {"clusterRange": {"min": 0}}}, "spec.model.clusterRange.min", "equal to 1"),
        ({"model": {"clusterRange": {"max": 1}}}, "spec.model.clusterRange.max", "equal to 2"),
        ({"model": {"clusterRange": {"max": 101}}}, "spec.model.clusterRange.max", "equal to 100"),
        ({"model": {"clusterRange": [2, 8]}}, "spec.model.clusterRange", "must be of type object"),
        ({"reference": {}}, "spec.reference.configMapRef", "Required"),
        ({"reference": {"configMapRef": {}}}, "spec.reference.configMapRef.name", "Required"),
        (reference(name="A"), "spec.reference.configMapRef.name", "should match"),
        (reference(name="a", key="b/c"), "spec.reference.configMapRef.key", "should match"),
        (reference(name="a", key=".."), "spec.reference.configMapRef.key", "should match"),
        (reference(name="a", key="..b"), "spec.reference.configMapRef.key", "should match"),
        ({"model": {"registeredName": "a/b"}}, "spec.model.registeredName", "should match"),
        ({"features": {"set": "best"}}, "spec.features.set", '"basic", "seed", "robust"'),
        ({"gates": {"minF1": 1.5}}, "spec.gates.minF1", "less than or equal to 1"),
        ({"gates": {"minF1": "0.5"}}, "spec.gates.minF1", "must be of type number"),
        ({"gates": {"minSilhouette": -1.1}}, "spec.gates.minSilhouette", "than or equal to -1"),
        ({"gates": {"unlabelled": "Ignore"}}, "spec.gates.unlabelled", '"Skip", "Reject"'),
        ({"gates": {"structure": "Skip"}}, "spec.gates.structure", '"Require", "Report"'),
        ({"gates": {"unchangedData": "Reject"}}, "spec.gates.unchangedData", '"Skip", "Train"'),
        (
            {"gates": {"continuity": {"lost": "Skip"}}},
            "spec.gates.continuity.lost",
            '"Report", "Reject", "Manual"',
        ),
        (champion(fraction=0), "spec.gates.champion.fraction", "at least 0.01"),
        (champion(fraction=0.001), "spec.gates.champion.fraction", "or equal to 0.01"),
        (champion(fraction=0.6), "spec.gates.champion.fraction", "or equal to 0.5"),
        (champion(margin=-0.1), "spec.gates.champion.margin", "or equal to 0"),
        (champion(minImprovement=1.1), "spec.gates.champion.minImprovement", "or equal to 1"),
        (champion(lookback="0d"), "spec.gates.champion.lookback", "at least 1s"),
        (champion(lookback="1 month"), "spec.gates.champion.lookback", "should match"),
        (champion(inconclusive="Skip"), "spec.gates.champion.inconclusive", '"Manual"'),
        ({"promotion": {"policy": "Manual"}}, "spec.promotion.policy", '"Automatic", "Never"'),
        ({"promotion": {"alias": "a b"}}, "spec.promotion.alias", "should match"),
        ({"promotion": {"alias": "v12"}}, "spec.promotion.alias", "MLflow keeps for itself"),
        ({"promotion": {"alias": "Latest"}}, "spec.promotion.alias", "MLflow keeps for itself"),
        ({"source": {}}, "spec.source.data", "Required"),
        (data(lookback="1 day"), "spec.source.data.lookback", "should match"),
        (data(lookback="-1h"), "spec.source.data.lookback", "should match"),
        (data(lookback="0h0s"), "spec.source.data.lookback", "must be at least 1s"),
        (data(lookback="999ms"), "spec.source.data.lookback", "must be at least 1s"),
        (data(lookback="100000d"), "spec.source.data.lookback", "is too long"),
        (
            data(lookback="1h", since=SINCE, until=UNTIL),
            "spec.source.data",
            "give either lookback or since and until, not both",
        ),
        (data(since=SINCE), "spec.source.data", "since and until belong together"),
        (data(until=UNTIL), "spec.source.data", "since and until belong together"),
        (data(since=UNTIL, until=SINCE), "spec.source.data.since", "must be before until"),
        (data(since=SINCE, until=SINCE), "spec.source.data.since", "must be before until"),
        (data(since="yesterday", until=UNTIL), "spec.source.data.since", "date-time"),
        (data(since="2026-05-01T00:00:00", until=UNTIL), "spec.source.data.since", "match"),
        (data(since="2026-02-30T00:00:00Z", until=UNTIL), "spec.source.data.since", "date-time"),
        (data(machines="press-1"), "spec.source.data.machines", "must be of type array"),
        (data(machines=[""]), "spec.source.data.machines[0]", "at least 1 char"),
        (data(machines=["a", "a"]), "spec.source.data.machines[1]", "Duplicate"),
        (data(minEpisodes=0), "spec.source.data.minEpisodes", "greater than or equal to 1"),
        (
            data(extendUntil={"atMost": "1d"}),
            "spec.source.data.extendUntil.episodes",
            "Required",
        ),
        (data(extendUntil={"episodes": 50}), "spec.source.data.extendUntil.atMost", "Required"),
        (
            data(extendUntil={"episodes": 9, "atMost": "1d"}),
            "spec.source.data.extendUntil.episodes",
            "must not be below minEpisodes",
        ),
        (
            data(extendUntil={"episodes": 50, "atMost": "0d"}),
            "spec.source.data.extendUntil.atMost",
            "must be at least 1s",
        ),
        (data(rebuild="yes"), "spec.source.data.rebuild", "must be of type boolean"),
        ({"database": {"secretRef": {}}}, "spec.database.secretRef.name", "Required"),
        ({"database": {"secretRef": {"name": "A"}}}, "spec.database.secretRef.name", "match"),
        ({"database": {"secretRef": "a"}}, "spec.database.secretRef", "must be of type object"),
        ({"tracking": {"uri": "mlflow:5000"}}, "spec.tracking.uri", "should match"),
        (
            {"tracking": {"uri": "http://me:secret@mlflow:5000"}},
            "spec.tracking.uri",
            "spec.tracking.secretRef",
        ),
        ({"tracking": {"experiment": ""}}, "spec.tracking.experiment", "at least 1 char"),
        ({"predictor": {}}, "spec.predictor.deployment", "Required"),
        ({"predictor": {"deployment": "a", "port": 0}}, "spec.predictor.port", "or equal to 1"),
        ({"predictor": {"deployment": "a", "service": "a.b"}}, "spec.predictor.service", "match"),
        ({"predictor": {"deployment": "a", "timeout": "5"}}, "spec.predictor.timeout", "match"),
        ({"predictor": {"deployment": "a", "timeout": "0s"}}, "spec.predictor.timeout", "1s"),
        ({"job": {"image": "a b"}}, "spec.job.image", "should match"),
        ({"job": {"imagePullPolicy": "Newer"}}, "spec.job.imagePullPolicy", '"IfNotPresent"'),
        ({"job": {"env": []}}, "spec.job.env", "unknown field"),
        (limits(memory="1 GB"), "spec.job.resources.limits.memory", "should match"),
        (limits(memory=-1), "spec.job.resources.limits.memory", "greater than or equal to 0"),
        ({"retry": {"limit": -1}}, "spec.retry.limit", "greater than or equal to 0"),
        ({"activeDeadline": 3600}, "spec.activeDeadline", "must be of type string"),
        ({"activeDeadline": "0s"}, "spec.activeDeadline", "must be at least 1s"),
        ({"activeDeadline": "9999999h"}, "spec.activeDeadline", "is too long"),
        ([], "spec", "must be of type object"),
    ],
    ids=json.dumps,
)
def test_refuses_and_names_the_field(
    kubectl: Kubectl, spec: object, field: str, words: str
) -> None:
    with pytest.raises(ClusterError) as refused:
        propose(kubectl, spec)
    assert re.search(re.escape(field) + r'["\]:\s]', str(refused.value))
    assert words in str(refused.value)


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
    **limits(memory="1Gi"),
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
        ({"activeDeadline": "2h"}, "spec.activeDeadline"),
    ],
    ids=json.dumps,
)
def test_refuses_every_change(
    kubectl: Kubectl, existing: str, change: dict[str, Any], field: str
) -> None:
    patch = json.dumps({"spec": change})
    with pytest.raises(ClusterError, match=rf"{re.escape(field)}: .*{IMMUTABLE}"):
        kubectl("patch", "trainingrun", existing, "--type=merge", "--patch", patch)


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
    # until goes with since.
    assert tried == (single | set(whole)) - {"spec.source.data.until"}


def test_applying_the_same_again_changes_nothing(kubectl: Kubectl, existing: str) -> None:
    assert "unchanged" in kubectl.apply(crd.manifest(existing, FIRST))
    assert kubectl.get("trainingrun", existing)["metadata"]["generation"] == 1


def test_the_stored_defaults_are_those_of_the_models(kubectl: Kubectl) -> None:
    kubectl.apply(crd.manifest("defaults", {}))
    stored = kubectl.get("trainingrun", "defaults")
    assert TrainingRunSpec.model_validate(stored["spec"]) == TrainingRunSpec()
    assert "clusters" not in stored["spec"]["model"]
    assert stored["status"] == {"observedGeneration": -1}


def test_what_is_asked_for_gets_the_models_defaults(kubectl: Kubectl) -> None:
    asked = {"model": {"clusterRange": {}}, **champion(), **reference(name="patterns")}
    kubectl.apply(crd.manifest("asked", asked))
    stored = kubectl.get("trainingrun", "asked")["spec"]
    assert stored["model"]["clusterRange"] == {"min": 2, "max": 8}
    assert TrainingRunSpec.model_validate(stored) == TrainingRunSpec.model_validate(asked)


def test_status_and_spec_are_written_apart(kubectl: Kubectl) -> None:
    written = json.loads(crd.manifest("apart", {})) | {"status": {"phase": "Succeeded"}}
    kubectl.apply(json.dumps(written))
    assert "phase" not in kubectl.get("trainingrun", "apart")["status"]


def test_the_examples_are_accepted(kubectl: Kubectl) -> None:
    files = sorted((images.ROOT / "examples").glob("trainingrun*.yaml"))
    assert len(files) == 4
    for file in files:
        assert "created" in kubectl("apply", "--dry-run=server", "--filename", str(file))
