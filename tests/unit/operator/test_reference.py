"""The reference file in the pods that train."""

from typing import Any

from tests.unit.operator.builders import NOW, PREDICTOR, Object, a_run, admitted, rolling
from trainer_operator.resources.jobs import promote_job, train_job

REFERENCE: Object = {"reference": {"configMapRef": {"name": "patterns", "key": "may.csv"}}}


def parts(job: Object) -> tuple[Object, list[Any], list[Any]]:
    """Return the pod's variables by name, and its mounts and volumes."""
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    return variables, container["volumeMounts"], pod["volumes"]


def test_the_file_stands_where_the_variable_says() -> None:
    variables, mounts, volumes = parts(train_job(a_run(REFERENCE, admitted())))
    (mount,) = (each for each in mounts if each["name"] != "tmp")
    (volume,) = (each for each in volumes if each["name"] == mount["name"])
    (item,) = volume["configMap"]["items"]
    assert volume["configMap"]["name"] == "patterns"
    assert item["key"] == "may.csv"
    assert variables["SENSOR_DATA_FILE"] == f"{mount['mountPath']}/{item['path']}"
    assert mount["readOnly"] is True


def test_a_missing_file_is_not_passed_over() -> None:
    _, _, volumes = parts(train_job(a_run(REFERENCE, admitted())))
    assert not any(each.get("configMap", {}).get("optional") for each in volumes)


def test_the_key_has_the_name_of_the_replaced_services_file() -> None:
    run = a_run({"reference": {"configMapRef": {"name": "patterns"}}}, admitted())
    _, _, volumes = parts(train_job(run))
    assert volumes[-1]["configMap"]["items"][0]["key"] == "data_sensors.csv"


def test_without_a_reference_a_pod_mounts_nothing_else() -> None:
    variables, mounts, volumes = parts(train_job(a_run(status=admitted())))
    assert "SENSOR_DATA_FILE" not in variables
    assert [each["name"] for each in mounts] == [each["name"] for each in volumes] == ["tmp"]


def test_the_promote_job_needs_no_file() -> None:
    run = a_run({**PREDICTOR, **REFERENCE}, rolling(phase="Promoting"))
    variables, mounts, _ = parts(promote_job(run, NOW))
    assert "SENSOR_DATA_FILE" not in variables
    assert len(mounts) == 1
