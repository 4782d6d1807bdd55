import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server

from tests.support.trained import SENSORS, make_readings, make_trained
from trainer_job import serving
from trainer_job.registry import packaging
from trainer_job.serving import FailureModes

TRAINED = make_trained()
PIPELINE = TRAINED.clustering.pipeline


def model(version: str = "7") -> FailureModes:
    return FailureModes(SENSORS, "basic", PIPELINE, version)


def test_answers_each_episode_as_the_training_did() -> None:
    answers = model().predict(make_readings())
    columns = ["episode", "mode", "distance", "model_version", "name", "novelty"]
    assert list(answers.columns) == columns
    assert list(answers["episode"]) == [str(number) for number in TRAINED.features.index]
    assert list(answers["mode"]) == list(TRAINED.clustering.modes)
    assert list(answers["distance"]) == pytest.approx(list(TRAINED.clustering.distances))
    assert set(answers["model_version"]) == {"7"}


def test_the_order_of_readings_and_their_timestamps_do_not_matter() -> None:
    readings = make_readings()
    mixed = readings.drop(columns="timestamp").sample(frac=1, random_state=1)
    one = model().predict(readings).set_index("episode")
    two = model().predict(mixed).set_index("episode").loc[one.index]
    assert list(two["mode"]) == list(one["mode"])
    assert list(two["distance"]) == pytest.approx(list(one["distance"]))


def test_a_missing_sensor_is_the_askers_fault() -> None:
    with pytest.raises(MlflowException, match="no column for sensor Tz") as caught:
        model().predict(make_readings().drop(columns="Tz"))
    assert caught.value.get_http_status_code() == 400


def test_an_episode_without_a_usable_reading_is_named() -> None:
    readings = make_readings()
    readings.loc[readings["episode"] == "103", "Fy"] = float("nan")
    with pytest.raises(MlflowException, match="episode 103 has no usable reading of sensor Fy"):
        model().predict(readings)


SEVENTH = 6
BAD: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "there is no reading; send one row": lambda readings: readings.iloc[:0],
    "row 7 names no episode": lambda readings: with_value(readings, "episode", None),
    "row 7 has the timestamp 'noon', which is no time; write it as in 2026-01-31T12:00:00Z": (
        lambda readings: with_value(readings, "timestamp", "noon")
    ),
    "row 7 has the timestamp '2026-02-30T12:00:00Z'": lambda readings: with_value(
        readings, "timestamp", "2026-02-30T12:00:00Z"
    ),
    "row 7 has the timestamp '', which": lambda readings: with_value(readings, "timestamp", ""),
}


def with_value(readings: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    readings = readings.astype({column: object})
    place = readings.columns.get_loc(column)
    readings.iloc[SEVENTH, place] = value  # type: ignore[call-overload]
    return readings


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model as MLflow's server loads it."""
    folder = tmp_path_factory.mktemp("served") / "model"
    packaging.save(folder, TRAINED)
    return mlflow.pyfunc.load_model(str(folder))


@pytest.mark.parametrize("told", BAD)
def test_the_server_answers_400_and_says_what_is_wrong(served: Any, told: str) -> None:
    body = {"dataframe_split": BAD[told](make_readings()).to_dict("split", index=False)}
    schema = served.metadata.get_input_schema()
    invocations: Any = scoring_server.invocations
    with pytest.raises(MlflowException, match=re.escape(told)) as caught:
        invocations(json.dumps(body), "application/json", served, schema)
    assert caught.value.get_http_status_code() == 400
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


def saved(root: Path) -> Path:
    """Save a model where MLflow puts a model's data, two folders below its root."""
    data = root / "data/data"
    data.mkdir(parents=True)
    (root / "MLmodel").touch()
    serving.save(data, model())
    return data


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    loaded = serving._load_pyfunc(str(saved(tmp_path)))
    assert loaded.sensors == list(SENSORS)
    assert loaded.feature_set == "basic"
    assert loaded.predict(make_readings()).equals(model("").predict(make_readings()))


def test_names_labels_and_thresholds_are_kept(tmp_path: Path) -> None:
    named = FailureModes(
        *(SENSORS, "basic", PIPELINE),
        names=["worn", "mode 8", "mode 3"],
        labels={0: "worn"},
        thresholds=[1.0, 0.5, 2.0],
        code="failure_modes_x",
    )
    serving.save(tmp_path, named)
    loaded = serving.load(tmp_path, "5")
    assert (loaded.names, loaded.labels) == (named.names, {0: "worn"})
    assert (loaded.thresholds, loaded.code, loaded.version) == ([1.0, 0.5, 2.0], named.code, "5")


def test_a_model_of_before_is_read_without_what_it_lacks(tmp_path: Path) -> None:
    serving.save(tmp_path, model())
    file = tmp_path / serving.PARAMETERS
    file.write_text(json.dumps({"sensors": list(SENSORS), "feature_set": "basic"}))
    answers = serving.load(tmp_path).predict(make_readings())
    assert list(answers["name"]) == [f"mode {mode}" for mode in answers["mode"]]
    assert answers["novelty"].isna().all()


def test_novelty_is_the_distance_in_units_of_the_modes_threshold() -> None:
    known = FailureModes(
        *(SENSORS, "basic", PIPELINE), names=["a", "b", "c"], thresholds=[1.0, 0.5, 2.0]
    )
    answers = known.predict(make_readings())
    limits = [(1.0, 0.5, 2.0)[mode] for mode in answers["mode"]]
    assert list(answers["novelty"]) == pytest.approx(list(answers["distance"] / limits))
    assert list(answers["name"]) == ["abc"[mode] for mode in answers["mode"]]


def test_the_version_is_the_one_that_the_registry_resolved(tmp_path: Path) -> None:
    data = saved(tmp_path)
    (tmp_path / "registered_model_meta").write_text("model_name: any\nmodel_version: '12'\n")
    assert serving._load_pyfunc(str(data)).version == "12"


def test_a_registry_file_above_the_model_is_not_its_own(tmp_path: Path) -> None:
    data = saved(tmp_path / "model")
    (tmp_path / "registered_model_meta").write_text("model_version: '12'\n")
    (tmp_path / "MLmodel").touch()
    assert serving._load_pyfunc(str(data)).version == ""
