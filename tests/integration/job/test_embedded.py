"""A run without any server: its own PostgreSQL and MLflow store, in a folder."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from tests.support.command import result_of, trainer_job
from tests.support.plant import ROBOT_FAILURES
from trainer_job.contract import Outcome

LP4 = ROBOT_FAILURES / "lp4.data.txt"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can look into, which pytest's is not."""
    folder = Path(tempfile.mkdtemp(prefix="trainer-embedded-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_trains_and_tells_where_to_look(folder: Path) -> None:
    environ = {"PATH": os.environ["PATH"]}
    done = trainer_job(
        *("run", "--embedded", "here", "--data", str(LP4), "--features", "robust"),
        environ=environ,
        folder=folder,
    )
    assert done.returncode == 0, done.stderr
    result = result_of(done)
    assert result.decision is not None
    assert result.decision.outcome is Outcome.PROMOTED
    assert result.model is not None
    assert round(result.model.f1 or 0, 2) == 0.81
    store = f"sqlite:///{folder / 'here/mlflow.db'}"
    assert f"mlflow ui --backend-store-uri {store}" in done.stderr
    assert [file.name for file in folder.iterdir()] == ["here"]
    client = mlflow.MlflowClient(tracking_uri=store, registry_uri=store)
    version = client.get_model_version_by_alias(result.model.name, "production")
    assert str(version.version) == result.model.version
    assert version.source.startswith((folder / "here/artifacts").as_uri())
    assert not (folder / "here/postgres/postmaster.pid").exists()

    # What was loaded and promoted is still there: the data are not loaded again, and version 1
    # is the champion of a second run. An empty variable is one that is not set.
    again = trainer_job(
        *("run", "--embedded", "here", "--data", str(LP4)),
        environ={**environ, "TRAINING_LOOKBACK_HOURS": ""},
        folder=folder,
    )
    assert again.returncode == 0, again.stderr
    assert "Nothing to do: 117 episodes" in again.stderr
    second = result_of(again).decision
    assert second is not None
    assert second.outcome is Outcome.REJECTED
    assert second.champion is not None
    assert second.champion.version == "1"


def test_a_folder_that_cannot_be_made_is_told(folder: Path) -> None:
    (folder / "file").touch()
    environ = {"PATH": os.environ["PATH"]}
    done = trainer_job("run", "--embedded", "file/below", environ=environ, folder=folder)
    assert done.returncode == 64
    assert "file/below cannot be made: Not a directory" in done.stderr
