import ast
from pathlib import Path

import mlflow.pyfunc
import mlflow.sklearn
import pandas as pd
import pytest
import yaml

from tests.support.trained import SENSORS, STAGED, make_document, make_trained
from trainer_job.registry import files, packaging

TRAINED = make_trained("robust")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    files.write(folder, make_document("http://mlflow:5000"), TRAINED, STAGED)
    return folder


def test_writes_what_a_run_keeps(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {
        *("model", "kmeans_model", "scaler.pkl", "cluster_profiles.json", "golden.json"),
        *("report.html", "plots", "episodes.csv"),
    }
    assert STAGED.message in (folder / "report.html").read_text("utf-8")
    table = pd.read_csv(folder / "episodes.csv", index_col="episode")
    assert list(table.index) == list(TRAINED.features.index)
    assert list(table["mode"]) == list(TRAINED.clustering.modes)


def test_the_model_brings_its_code_and_nothing_of_the_project(folder: Path) -> None:
    described = yaml.safe_load((folder / "model/MLmodel").read_text())
    loader = described["flavors"]["python_function"]["loader_module"]
    package, _, module = loader.partition(".")
    shipped = list((folder / "model/code").rglob("*.py"))
    assert {file.name for file in shipped} == {
        *("moments.py", "features.py", "assignment.py", "serving.py")
    }
    assert {file.parent.name for file in shipped} == {package}
    assert module == "serving"
    assert "trainer_job" not in package
    for file in shipped:
        imported = {
            name
            for node in ast.walk(ast.parse(file.read_text()))
            for name in _names(node)
            if name.startswith("trainer_job")
        }
        assert imported == set()


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module or ""]
    return []


def test_the_signature_stays(folder: Path) -> None:
    loaded = mlflow.pyfunc.load_model(str(folder / "model"))
    inputs = loaded.metadata.get_input_schema().to_dict()
    assert inputs == [
        {"type": "string", "name": "episode", "required": True},
        {"type": "string", "name": "timestamp", "required": False},
        *({"type": "double", "name": sensor, "required": False} for sensor in SENSORS),
    ]
    outputs = loaded.metadata.get_output_schema().to_dict()
    assert [(column["name"], column["type"]) for column in outputs] == [
        ("episode", "string"),
        ("mode", "long"),
        ("distance", "double"),
        ("model_version", "string"),
        ("name", "string"),
        ("novelty", "double"),
    ]


def test_the_saved_model_predicts_its_own_example(folder: Path) -> None:
    loaded = mlflow.pyfunc.load_model(str(folder / "model"))
    example = loaded.input_example
    assert list(example.columns) == ["episode", "timestamp", *SENSORS]
    (answer,) = loaded.predict(example).to_dict(orient="records")
    assert answer["episode"] == "100"
    assert answer["mode"] == TRAINED.clustering.modes[0]


def test_requirements_are_exact_and_spare_the_whole_of_mlflow(folder: Path) -> None:
    for model in ("model", "kmeans_model"):
        lines = (folder / model / "requirements.txt").read_text().split()
        assert [line.partition("==")[0] for line in lines] == [
            *("mlflow-skinny", "numpy", "pandas", "scikit-learn")
        ]


def test_the_old_model_is_described_as_mlflow_does(folder: Path, tmp_path: Path) -> None:
    mlflow.sklearn.save_model(
        mlflow.sklearn.load_model(str(folder / "kmeans_model")),
        str(tmp_path / "theirs"),
        serialization_format="pickle",
        pip_requirements=packaging.requirements(),
    )
    ours, theirs = (
        yaml.safe_load((place / "MLmodel").read_text())["flavors"]
        for place in (folder / "kmeans_model", tmp_path / "theirs")
    )
    used = {key: value for key, value in theirs["sklearn"].items() if value is not None}
    assert ours == {**theirs, "sklearn": used}
