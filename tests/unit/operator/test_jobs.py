"""The manifests of the train Job and the promote Job."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.operator.builders import (
    MANUAL,
    NOW,
    PREDICTOR,
    UID,
    Object,
    a_run,
    admitted,
    rolling,
    staged,
    time,
)
from trainer_job.contract import CheckTask, PromoteTask, RunDocument
from trainer_operator.resources.jobs import job_name, promote_job, train_job


def document(job: Object) -> RunDocument:
    value = variables(job)["TRAINER_RUN"]["value"]
    return RunDocument.model_validate_json(value)


def variables(job: Object) -> dict[str, Object]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each for each in container["env"]}


def test_the_document_holds_what_the_pipeline_needs() -> None:
    spec = {
        "source": {"data": {"lookback": "7d", "minEpisodes": 3}},
        "features": {"set": "robust"},
        "model": {"clusters": 5},
        "gates": {"minF1": 0.5},
        "promotion": {"alias": "staging"},
    }
    found = document(train_job(a_run(spec, admitted())))
    assert found.run.name == "nightly"
    assert found.run.namespace == "plant"
    assert found.run.uid == UID
    assert found.as_of.isoformat() == time(60).replace("Z", "+00:00")
    assert found.data.min_episodes == 3
    assert found.features.set == "robust"
    assert found.model.clusters == 5
    assert found.gates.min_f1 == 0.5
    assert found.promotion.alias == "staging"
    assert found.tracking.uri == "http://mlflow:5000"
    assert found.staged is False
    assert found.promote is None


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, False),
        (PREDICTOR, True),
        ({**PREDICTOR, "promotion": {"policy": "Never"}}, False),
    ],
)
def test_staged_says_that_the_operator_rolls_out(spec: Object, expected: bool) -> None:
    assert document(train_job(a_run(spec, admitted()))).staged is expected


@pytest.mark.parametrize("spec", [MANUAL, MANUAL | PREDICTOR])
def test_what_waits_for_somebodys_word_is_not_promoted_by_the_train_job(spec: Object) -> None:
    found = document(train_job(a_run(spec, admitted())))
    assert found.staged
    assert found.promotion.policy == "Manual"


def test_a_run_of_a_version_has_it_checked() -> None:
    run = a_run({"source": {"modelVersion": "7"}, **PREDICTOR}, admitted())
    job = train_job(run)
    assert job["metadata"]["name"] == job_name(run, "check")
    assert job["metadata"]["labels"]["training.sensors.dev/task"] == "check"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["check"]
    assert document(job).check == CheckTask(version="7")
    assert document(train_job(a_run(status=admitted()))).check is None


def test_a_run_without_a_predictor_asks_nobody() -> None:
    found = document(promote_job(a_run(MANUAL, staged("Promoting")), NOW))
    assert found.promote == PromoteTask(version="2")


def test_a_job_gets_no_field_that_its_run_does_not_need() -> None:
    """A run keeps its image, and an older one refuses what it does not know."""
    job = promote_job(a_run(PREDICTOR, rolling(phase="Promoting")), NOW)
    written = json.loads(variables(job)["TRAINER_RUN"]["value"])
    assert written.keys().isdisjoint({"check", "recall"})
    assert written["promote"].keys() == {"version", "url"}
    assert written["promotion"].keys() == {"policy", "alias"}


@pytest.mark.parametrize(
    ("predictor", "url"),
    [
        ({}, "http://sensor-predictor.plant.svc:8080"),
        ({"service": "scoring", "port": 80}, "http://scoring.plant.svc:80"),
    ],
)
def test_the_promote_jobs_document_names_version_and_predictor(predictor: Object, url: str) -> None:
    spec = {"predictor": {"deployment": "sensor-predictor", **predictor}}
    job = promote_job(a_run(spec, rolling(phase="Promoting")), NOW)
    found = document(job)
    assert found.promote is not None
    assert found.promote.version == "2"
    assert found.promote.url == url
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["promote"]


@pytest.mark.parametrize(("age", "seconds"), [(10, 290), (239, 61), (299, 60), (9999, 60)])
def test_the_promote_job_has_what_is_left_of_the_rollouts_time(age: float, seconds: int) -> None:
    job = promote_job(a_run(PREDICTOR, rolling(age, phase="Promoting")), NOW)
    assert job["spec"]["template"]["spec"]["activeDeadlineSeconds"] == seconds
    # The Job's controller takes away what its own deadline ends, and its answer with it.
    assert job["spec"]["activeDeadlineSeconds"] == seconds + 60


def test_a_named_version_is_promoted_over_the_one_that_was_in_service() -> None:
    spec = PREDICTOR | {"source": {"modelVersion": "2"}}
    decision = {"outcome": "Staged", "reason": "AwaitingRollout", "message": "m"}
    for more, expected in (({"champion": {"version": "5"}}, "5"), ({}, None)):
        status = rolling(phase="Promoting", decision=decision | more)
        found = document(promote_job(a_run(spec, status), NOW)).promote
        assert found is not None
        assert (found.explicit, found.expected) == (True, expected)
        assert found.url == "http://sensor-predictor.plant.svc:8080"


def test_nobody_is_asked_where_nothing_runs() -> None:
    status = rolling(phase="Promoting")
    status["rollout"]["replicas"] = 0
    found = document(promote_job(a_run(PREDICTOR, status), NOW))
    assert found.promote == PromoteTask(version="2", outcome="NotServing")


def test_the_database_comes_by_key_from_its_secret() -> None:
    found = variables(train_job(a_run(status=admitted())))
    assert found["POSTGRES_PASSWORD"]["valueFrom"] == {
        "secretKeyRef": {"name": "trainer-database", "key": "POSTGRES_PASSWORD"}
    }
    assert found["POSTGRES_PORT"]["valueFrom"]["secretKeyRef"]["optional"] is True
    assert "MLFLOW_TRACKING_TOKEN" not in found


def test_tracking_credentials_are_optional_keys_of_their_secret() -> None:
    status = admitted()
    status["effective"]["tracking"]["secretRef"] = {"name": "mlflow"}
    found = variables(train_job(a_run(status=status)))
    assert found["MLFLOW_TRACKING_TOKEN"]["valueFrom"] == {
        "secretKeyRef": {"name": "mlflow", "key": "MLFLOW_TRACKING_TOKEN", "optional": True}
    }


def test_the_pod_is_confined_and_has_no_token() -> None:
    pod = train_job(a_run(status=admitted()))["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"] == {"memory": "40Mi"}
    assert container["imagePullPolicy"] == "IfNotPresent"


def test_what_no_retry_can_mend_fails_the_job_and_a_disruption_does_not_count() -> None:
    spec = train_job(a_run({"retry": {"limit": 2}}, admitted()))["spec"]
    assert spec["backoffLimit"] == 2
    assert spec["activeDeadlineSeconds"] == 3600
    ignore, fail = spec["podFailurePolicy"]["rules"]
    assert ignore["action"] == "Ignore"
    assert ignore["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    assert fail["action"] == "FailJob"
    assert fail["onExitCodes"] == {"containerName": "trainer", "operator": "In", "values": [64, 65]}


@pytest.mark.parametrize(("limit", "retries"), [(0, 1), (2, 2)])
def test_a_promotion_may_always_be_asked_for_again(limit: int, retries: int) -> None:
    spec = {**PREDICTOR, "retry": {"limit": limit}}
    job = promote_job(a_run(spec, rolling(phase="Promoting")), NOW)
    assert job["spec"]["backoffLimit"] == retries


def test_the_run_owns_its_job() -> None:
    job = train_job(a_run(status=admitted()))
    assert job["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "training.sensors.dev/v1alpha1",
            "kind": "TrainingRun",
            "name": "nightly",
            "uid": UID,
            "controller": True,
        }
    ]
    assert job["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "trainer-operator"
    assert job["spec"]["template"]["metadata"]["annotations"] == {
        "training.sensors.dev/run-name": "nightly"
    }


def test_the_template_is_the_same_at_each_look() -> None:
    once, twice = (train_job(a_run(status=admitted())) for _ in range(2))
    assert json.dumps(once) == json.dumps(twice)


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", fullmatch=True)


@given(NAMES, st.sampled_from(["train", "promote"]))
def test_a_jobs_name_can_be_a_label(name: str, task: str) -> None:
    found = job_name(a_run(name=name), task)
    assert len(found) <= 63
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", found)
    assert f"-{task}-" in found


def test_runs_of_the_same_name_have_jobs_of_their_own() -> None:
    assert job_name(a_run(uid="a"), "train") != job_name(a_run(uid="b"), "train")
    long = "x" * 100
    assert job_name(a_run(name=long, uid="a"), "train") != job_name(
        a_run(name=long, uid="b"), "train"
    )


def test_a_run_that_was_not_admitted_has_no_job() -> None:
    with pytest.raises(ValueError, match="not admitted"):
        train_job(a_run())
    with pytest.raises(ValueError, match="nothing to promote"):
        promote_job(a_run(status=admitted()), NOW)
