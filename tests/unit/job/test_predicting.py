from pathlib import Path

import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from trainer_job import reasons
from trainer_job.errors import BadConfiguration, UnusableData
from trainer_job.predicting import answer, read_readings


class Model:
    """Answers with what it was given."""

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        if "Fx" not in model_input:
            msg = "no column for sensor Fx; the model needs it"
            raise MlflowException.invalid_parameter_value(msg)
        return model_input


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "readings.csv"


def test_episodes_are_text_and_sensors_numbers(file: Path) -> None:
    file.write_text("episode,timestamp,Fx,Fy\n007,2026-03-01T12:00:00Z,1,x\n007,,2,\n")
    given = answer(Model(), read_readings(file), file)
    assert list(given.columns) == ["episode", "timestamp", "Fx", "Fy"]
    assert list(given["episode"]) == ["007", "007"]
    assert list(given["Fx"]) == [1.0, 2.0]
    assert given["Fx"].dtype == given["Fy"].dtype == "float64"
    assert given["Fy"].isna().all()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "No columns to parse"),
        (b"id,Fx\n1,2\n", "line 1 names no column episode"),
        (b"episode,Fx\n", "it holds no reading"),
        (b"episode,Fx\n1,2\n,3\n", "reading 2 names no episode"),
        (b"episode,Fx\n1,2\n1,2,3,4\n", "line 3"),
        (b"episode,Fx\n\xff\xfe,2\n", "decode"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UnusableData) as caught:
        read_readings(file)
    assert caught.value.reason == reasons.BAD_FILE
    assert words in caught.value.message
    assert "one line a reading" in caught.value.message


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(BadConfiguration, match="cannot be read: No such file"):
        read_readings(file)


def test_what_the_model_says_is_passed_on(file: Path) -> None:
    file.write_text("episode,Fy\n1,2\n")
    with pytest.raises(UnusableData, match="the model says: no column for sensor Fx; the model"):
        answer(Model(), read_readings(file), file)
