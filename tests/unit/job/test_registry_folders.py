"""What MLflow's own functions write is what is expected here: a newer release may write more."""

import json
import pickle
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.cluster import KMeans

from tests.support.trained import make_trained
from trainer_job.registry import folders, packaging

TRAINED = make_trained("robust")
EXAMPLE = pd.DataFrame({"episode": ["1", "1"], "Fx": [1.5, np.nan]})


@pytest.fixture
def estimator() -> KMeans:
    return KMeans(2, n_init=1).fit([[0.0, 1.0], [5.0, 6.0]])


def described(folder: Path) -> dict[str, Any]:
    """Return what a folder says of its model, without what differs each time."""
    found = yaml.safe_load((folder / "MLmodel").read_text())
    for name in ("model_uuid", "utc_time_created", "model_size_bytes"):
        assert found.pop(name)
    return dict(found)


def environment(folder: Path) -> list[Any]:
    files = [folder / name for name in ("conda.yaml", "python_env.yaml")]
    lines = (folder / "requirements.txt").read_text().split()
    return [lines, *(yaml.safe_load(file.read_text()) for file in files)]


def test_a_served_model_is_described_as_mlflow_does(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    packaging.save(ours, TRAINED)
    (flavour,) = described(ours)["flavors"].values()
    mlflow.pyfunc.save_model(
        str(theirs),
        loader_module=flavour["loader_module"],
        data_path=str(ours / "data/data"),
        code_paths=[str(folder) for folder in (ours / "code").iterdir()],
        signature=packaging.signature(TRAINED.sensors),
        input_example=TRAINED.sample.head(3),
        pip_requirements=packaging.requirements(),
    )
    assert described(ours) == described(theirs)
    assert environment(ours) == environment(theirs)
    files = [
        {
            str(file.relative_to(place))
            for file in place.rglob("*")
            if "__pycache__" not in file.parts
        }
        for place in (ours, theirs)
    ]
    assert files[0] == files[1]


def test_an_estimator_is_described_as_mlflow_does(tmp_path: Path, estimator: KMeans) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    wanted = packaging.requirements()
    mlflow.sklearn.save_model(
        estimator, str(theirs), serialization_format="pickle", pip_requirements=wanted
    )
    flavours = described(theirs)["flavors"]
    given = {
        name: {key: value for key, value in options.items() if key not in {"python_version", "env"}}
        for name, options in flavours.items()
    }
    ours.mkdir()
    (ours / "model.pkl").write_bytes(pickle.dumps(estimator))
    folders.write(ours, given, wanted)
    assert described(ours) == described(theirs)
    assert environment(ours) == environment(theirs)


def test_an_example_is_what_a_server_is_asked(tmp_path: Path) -> None:
    folders.write(tmp_path, {folders.PYFUNC: {"loader_module": "any"}}, [], example=EXAMPLE)
    asked = json.loads((tmp_path / folders.SERVED_EXAMPLE).read_text())
    expected = {"columns": ["episode", "Fx"], "data": [["1", 1.5], ["1", None]]}
    assert asked == {"dataframe_split": expected}
    assert json.loads((tmp_path / folders.EXAMPLE).read_text()) == expected


def test_what_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(folders, "version", missing)
    assert folders._pinned("wheel", "==") == "wheel"
