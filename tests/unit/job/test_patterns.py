from pathlib import Path

import pandas as pd

from trainer_job import clustering
from trainer_job.features import episode_features
from trainer_job.patterns import Patterns, read_patterns


def patterns(folder: Path, text: str) -> Patterns | None:
    file = folder / "data_sensors.csv"
    file.write_text(text)
    return read_patterns(file)


def test_a_missing_file_is_no_error(tmp_path: Path) -> None:
    assert read_patterns(tmp_path / "data_sensors.csv") is None


def test_a_file_without_labels_holds_no_patterns(tmp_path: Path) -> None:
    assert patterns(tmp_path, "a,Label\n1,\n") is None


def test_the_rows_of_a_label_are_one_pattern(tmp_path: Path) -> None:
    found = patterns(tmp_path, "a,Label\n0,x\n100,y\n5,\n2,x\n104,y\n")
    assert found is not None
    readings = pd.DataFrame({"episode": list("112233"), "a": [0.0, 2, 1, 3, 100, 103]})
    fit = clustering.fit(episode_features(readings, ["a"], "basic"), 2, 42)
    modes, labels = found.find(fit.pipeline, ["a"], "basic")
    assert labels == ["x", "y"]
    assert modes == [fit.modes[0], fit.modes[2]]


def test_a_file_of_other_sensors_judges_nothing(tmp_path: Path) -> None:
    found = patterns(tmp_path, "a,Label\n0,x\n")
    assert found is not None
    readings = pd.DataFrame({"episode": ["1", "2"], "b": [0.0, 2]})
    fit = clustering.fit(episode_features(readings, ["b"], "basic"), 2, 42)
    assert found.find(fit.pipeline, ["b"], "basic") == ([], [])
