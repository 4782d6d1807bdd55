"""What a run adds to its pods, as the models read it."""

import pytest
from pydantic import ValidationError

from tests.unit.operator.builders import Object, a_run
from trainer_operator.models import JobSpec

KEY = {"name": "a", "key": "b"}
PLACE = {"name": "site", "mountPath": "/site"}


@pytest.mark.parametrize(
    "spec",
    [
        {"env": [{"name": "A", "value": ""}]},
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {**KEY, "optional": True}}}]},
        {"envFrom": [{"prefix": "A_", "configMapRef": {"name": "a", "optional": False}}]},
        {"volumes": [{**PLACE, "readOnly": True, "persistentVolumeClaim": {"claimName": "a"}}]},
        {"volumes": [{**PLACE, "readOnly": False, "emptyDir": {"medium": "", "sizeLimit": 1}}]},
        {"tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 5}, {}]},
        {"nodeSelector": {"a": ""}, "labels": {"a": "b"}, "imagePullSecrets": [{"name": "a"}]},
    ],
)
def test_it_is_written_as_it_is_read(spec: Object) -> None:
    """The names are those of a pod: what is written goes into the Job's template."""
    written = JobSpec.model_validate(spec).to_json()
    assert {key: written[key] for key in spec} == spec


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"env": [{"name": "A"}]}, "value, valueFrom"),
        ({"env": [{"name": "A", "value": "1", "valueFrom": {"secretKeyRef": KEY}}]}, "value, "),
        ({"env": [{"name": "A", "valueFrom": {}}]}, "secretKeyRef, configMapKeyRef"),
        ({"envFrom": [{"prefix": "A"}]}, "secretRef, configMapRef"),
        ({"volumes": [PLACE]}, "configMap, secret, persistentVolumeClaim, emptyDir"),
        ({"volumes": [{**PLACE, "emptyDir": {}, "configMap": {"name": "a"}}]}, "configMap, sec"),
    ],
)
def test_what_excludes_each_other_is_refused(spec: Object, words: str) -> None:
    with pytest.raises(ValidationError, match=f"give exactly one of .*{words}"):
        JobSpec.model_validate(spec)


def test_the_run_says_which_part_is_wrong() -> None:
    run = a_run({"job": {"env": [{"name": "A"}]}})
    assert run.invalid == "spec.job.env.0: give exactly one of value, valueFrom."
