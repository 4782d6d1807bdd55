"""What the resource refuses on a real API server: the answer names the field."""

import json
import re

import pytest

from hack.cluster.controlplane import ControlPlane
from hack.cluster.errors import ClusterError
from hack.kubectl import Kubectl
from tests.integration.operator.specs import (
    SINCE,
    UNTIL,
    champion,
    data,
    env,
    limits,
    propose,
    reference,
    volume,
)
from tests.support import crd
from trainer_job.contract import DATABASE_VARIABLES, RUN_VARIABLE, TRACKING_VARIABLES
from trainer_operator import constants

A = {"name": "A", "value": "1"}
KEY = {"name": "a", "key": "b"}
FROM = {"secretKeyRef": KEY}
FILE = constants.REFERENCE_VARIABLE


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    return crd.install(control_plane, "crd-refuses")


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"modle": {}}, "spec.modle", "unknown field"),
        ({"model": {"clusterz": 3}}, "spec.model.clusterz", "unknown field"),
        ({"suspend": "no"}, "spec.suspend", "must be of type boolean"),
        ({"ttlAfterFinished": "0s"}, "spec.ttlAfterFinished", "must be at least 1s"),
        ({"ttlAfterFinished": 60}, "spec.ttlAfterFinished", "must be of type string"),
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
        (
            {"promotion": {"policy": "Ask"}},
            "spec.promotion.policy",
            '"Automatic", "Manual", "Never"',
        ),
        ({"promotion": {"approvedVersion": "v1"}}, "spec.promotion.approvedVersion", "match"),
        (
            {"promotion": {"approvedVersion": "1"}},
            "spec.promotion.approvedVersion",
            "only asked for where policy is Manual",
        ),
        ({"promotion": {"alias": "a b"}}, "spec.promotion.alias", "should match"),
        ({"promotion": {"alias": "v12"}}, "spec.promotion.alias", "MLflow keeps for itself"),
        ({"promotion": {"alias": "Latest"}}, "spec.promotion.alias", "MLflow keeps for itself"),
        ({"source": {"modelVersion": "latest"}}, "spec.source.modelVersion", "should match"),
        ({"source": {"modelVersion": "07"}}, "spec.source.modelVersion", "should match"),
        ({"source": {"modelVersion": 7}}, "spec.source.modelVersion", "must be of type string"),
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
        (env("A"), "spec.job.env[0]", "exactly one of value and valueFrom"),
        (env("A", value="1", valueFrom=FROM), "spec.job.env[0]", "exactly one of value and"),
        (env("A", valueFrom={}), "spec.job.env[0].valueFrom", "exactly one of secretKeyRef"),
        (
            env("A", valueFrom=FROM | {"configMapKeyRef": KEY}),
            "spec.job.env[0].valueFrom",
            "exactly one of secretKeyRef",
        ),
        (
            env("A", valueFrom={"secretKeyRef": {"name": "a"}}),
            "spec.job.env[0].valueFrom.secretKeyRef.key",
            "Required",
        ),
        (env("A", valueFrom={"fieldRef": {}}), "spec.job.env[0].valueFrom.fieldRef", "unknown"),
        (env("1", value="1"), "spec.job.env[0].name", "should match"),
        ({"job": {"env": [A, A]}}, "spec.job.env[1]", "Duplicate"),
        (
            {"job": {"envFrom": [{"prefix": "A"}]}},
            "spec.job.envFrom[0]",
            "exactly one of secretRef",
        ),
        (
            {"job": {"envFrom": [{"secretRef": {"name": "a"}, "configMapRef": {"name": "b"}}]}},
            "spec.job.envFrom[0]",
            "exactly one of secretRef",
        ),
        (volume(readOnly=True), "spec.job.volumes[0]", "exactly one of configMap, secret"),
        (
            volume(configMap={"name": "a"}, secret={"secretName": "a"}),
            "spec.job.volumes[0]",
            "exactly one of configMap, secret",
        ),
        (volume(emptyDir={}), "spec.job.volumes[0].readOnly", "must be false for an emptyDir"),
        (volume(hostPath={"path": "/"}), "spec.job.volumes[0].hostPath", "unknown field"),
        (volume(name="tmp"), "spec.job.volumes[0].name", "take another name"),
        (volume(name="reference"), "spec.job.volumes[0].name", "take another name"),
        *(
            (volume(path=path), "spec.job.volumes[0].mountPath", words)
            for path, words in [
                ("/", "at least 2 chars"),
                ("//", "should match"),
                ("data", "should match"),
                ("/data/../tmp", "should match"),
                ("/data:z", "should match"),
                ("/tmp", "take another place"),
                ("/tmp/a", "take another place"),
                ("/reference", "take another place"),
                ("/opt/venv", "take another place"),
            ]
        ),
        (
            volume(secret={"secretName": "a"}, subPath="../a"),
            "spec.job.volumes[0].subPath",
            "should match",
        ),
        (
            volume(emptyDir={"medium": "HugePages"}, readOnly=False),
            "spec.job.volumes[0].emptyDir.medium",
            '"Memory"',
        ),
        ({"job": {"nodeSelector": ["a"]}}, "spec.job.nodeSelector", "must be of type object"),
        ({"job": {"tolerations": [{"operator": "In"}]}}, "spec.job.tolerations[0].operator", "In"),
        ({"job": {"serviceAccountName": ""}}, "spec.job.serviceAccountName", "at least 1 char"),
        ({"job": {"priorityClassName": "A"}}, "spec.job.priorityClassName", "should match"),
        ({"job": {"imagePullSecrets": [{}]}}, "spec.job.imagePullSecrets[0].name", "Required"),
        ({"job": {"labels": {"a": "b c"}}}, "spec.job.labels.a", "should match"),
        *(
            ({"job": {"labels": {key: "a"}}}, "spec.job.labels", "must not hold keys of")
            for key in (
                "training.sensors.dev/task",
                "batch.kubernetes.io/job-name",
                "app.kubernetes.io/managed-by",
                "job-name",
                "controller-uid",
            )
        ),
        ({"job": {"securityContext": {}}}, "spec.job.securityContext", "unknown field"),
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


@pytest.mark.parametrize("source", [{}, {"data": {}, "modelVersion": "7"}], ids=json.dumps)
def test_exactly_one_source(kubectl: Kubectl, source: object) -> None:
    with pytest.raises(ClusterError, match=r"spec\.source: .*give either data or modelVersion"):
        propose(kubectl, {"source": source})


@pytest.mark.parametrize("name", [RUN_VARIABLE, *DATABASE_VARIABLES, *TRACKING_VARIABLES, FILE])
def test_variables_of_the_operator_are_refused(kubectl: Kubectl, name: str) -> None:
    with pytest.raises(ClusterError, match=r"spec\.job\.env\[0\]\.name: .*set by the operator"):
        propose(kubectl, env(name, value="mine"))
