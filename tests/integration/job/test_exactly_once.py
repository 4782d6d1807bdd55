"""One run, one version, one record, wherever a process dies and whichever reply is lost."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import ViewType
from sqlalchemy import text

from tests.support.command import PROGRAM, environment
from tests.support.interrupted import Killed
from tests.support.plant import Plant
from tests.support.processes import wait_for
from tests.support.trained import make_document
from tests.support.writes import Trouble, Writes, kill_after, kill_before, lose_reply, watched
from trainer_job import modelling, report
from trainer_job.contract import (
    DEFAULT_MODEL_NAME,
    RUN_VARIABLE,
    Outcome,
    Result,
    RunDocument,
    decode_result,
)
from trainer_job.database import records
from trainer_job.database.connection import Database
from trainer_job.errors import Unavailable
from trainer_job.pipeline import train
from trainer_job.registry.tracking import Tracking, connect

WRITTEN = (
    *("trainer.training_runs", "trainer.promotions", "trainer.modes", "clusters", "versions"),
    *("trainer.episode_features", "trainer.feature_layouts", "trainer.feature_watermark"),
)
"""The tables that a training run writes to."""


@dataclass
class Site:
    """An installation that holds episodes, and whatever a run has made of them."""

    database: Database
    url: str

    def __post_init__(self) -> None:
        Plant(self.database).modes(12)

    def new_run(self) -> RunDocument:
        """Forget all earlier runs and return a new one, of the model that old tables can carry."""
        for table in WRITTEN:
            Plant(self.database).change(f"DELETE FROM {table}")
        document = make_document(self.url)
        self.tracking(document).find(
            lambda client: client.delete_registered_model(DEFAULT_MODEL_NAME)
        )
        return document

    def tracking(self, document: RunDocument) -> Tracking:
        return replace(connect(document.tracking), sleep=lambda _: None)

    def attempt(self, document: RunDocument) -> Result:
        database = replace(self.database, sleep=lambda _: None)
        return train(document, database, self.tracking(document), lambda _: None)

    def assert_decided_once(self, document: RunDocument, result: Result) -> None:
        """Check that MLflow and database tell of one decision, which is the result's."""
        assert result.decision is not None
        assert result.model is not None
        assert result.decision.outcome is Outcome.PROMOTED
        record = records.find(self.database, document.run.uid)
        assert record is not None
        assert record.result == result
        self._assert_mlflow(document, result.model.version, result.model.run_id)
        assert Plant(self.database).counts() == {
            "training_runs": 1,
            "promotions": 1,
            "clusters": 1,
            "versions": 1,
        }
        rows = """
            SELECT p.version::text, p.mlflow_run_id, c.mlflow_model_version, c.mlflow_run_id,
                   c.is_active, v.version, v.run_id, t.model_version, t.decision
            FROM trainer.promotions p, clusters c, versions v, trainer.training_runs t
        """
        with self.database.engine.connect() as connection:
            (row,) = connection.execute(text(rows))
        version, run_id = result.model.version, result.model.run_id
        assert tuple(row) == (
            *(version, run_id, version, run_id, True),
            *(version, run_id, version, "Promoted"),
        )

    def _assert_mlflow(self, document: RunDocument, number: str, run_id: str) -> None:
        client = connect(document.tracking).client
        experiment = client.get_experiment_by_name(document.tracking.experiment)
        (run,) = client.search_runs([experiment.experiment_id], run_view_type=ViewType.ACTIVE_ONLY)
        assert run.info.run_id == run_id
        # Found again, and not made anew with the old one deleted.
        gone = client.search_runs([experiment.experiment_id], run_view_type=ViewType.DELETED_ONLY)
        assert list(gone) == []
        assert run.info.status == "FINISHED"
        assert run.data.tags["training.sensors.dev/decision"] == "Promoted"
        assert run.data.params["n_failures"] == "12"
        assert len(run.inputs.dataset_inputs) == 1
        model = client.get_registered_model(DEFAULT_MODEL_NAME)
        assert model.aliases == {"production": number}
        (version,) = client.search_model_versions(f"name = '{DEFAULT_MODEL_NAME}'")
        assert (str(version.version), version.run_id) == (number, run_id)
        assert version.tags["training.sensors.dev/decision"] == "Promoted"
        assert version.description.startswith("Promoted. ")
        paths = {file.path for file in client.list_artifacts(run_id)}
        assert {"model", "kmeans_model", "scaler.pkl", "cluster_profiles.json"} <= paths


@pytest.fixture
def site(database: Database, mlflow_server: str) -> Site:
    return Site(database, mlflow_server)


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fit and draw only once: neither writes to a server, and all attempts see the same data."""
    fit, draw = modelling.fit, report.write
    fitted: list[Any] = []
    drawn = tmp_path / "drawn"

    def fit_once(*arguments: Any) -> Any:
        if not fitted:
            fitted.append(fit(*arguments))
        return fitted[0]

    def draw_once(folder: Path, data: Any) -> None:
        if not drawn.exists():
            drawn.mkdir()
            draw(drawn, data)
        shutil.copytree(drawn, folder, dirs_exist_ok=True)

    monkeypatch.setattr(modelling, "fit", fit_once)
    monkeypatch.setattr(report, "write", draw_once)


@pytest.mark.parametrize("trouble", [kill_after, lose_reply])
@pytest.mark.usefixtures("prepared")
def test_at_every_write(site: Site, trouble: Trouble) -> None:
    clean = Writes()
    document = site.new_run()
    with watched(site.database, clean):
        site.assert_decided_once(document, site.attempt(document))
    assert set(clean.names) >= {
        *("POST experiments/create", "POST runs/create", "POST runs/log-batch"),
        *("POST runs/log-inputs", "PUT artifact", "POST runs/update"),
        *("POST registered-models/create", "POST model-versions/create"),
        *("POST registered-models/alias", "POST model-versions/set-tag"),
        *("PATCH model-versions/update", "INSERT trainer.training_runs"),
        *("UPDATE trainer.training_runs", "INSERT trainer.promotions", "UPDATE clusters"),
        *("INSERT clusters", "INSERT versions", "INSERT trainer.modes", "COMMIT"),
    }
    # To be killed before a write is to be killed after the one before it: between the two
    # nothing is written. So only the first one needs it.
    if trouble is kill_after:
        assert_gone_on_from(site, clean.names, 0, kill_before)
    for at in troubled(clean.names):
        assert_gone_on_from(site, clean.names, at, trouble)


def assert_gone_on_from(site: Site, names: list[str], at: int, trouble: Trouble) -> None:
    """Check that after trouble at a write the next attempt leaves what one alone would have."""
    where = f"after trouble at write {at}: {names[at]}"
    document = site.new_run()
    writes = Writes(at, trouble)
    with watched(site.database, writes):
        if trouble is lose_reply:
            first = outcome(site, document)
        else:
            with pytest.raises(Killed):
                site.attempt(document)
            first = None
    assert writes.names[: at + 1] == names[: at + 1], where
    second = site.attempt(document)
    try:
        site.assert_decided_once(document, second)
        assert first in (None, second)
    except AssertionError as error:
        raise AssertionError(where) from error


def outcome(site: Site, document: RunDocument) -> Result | None:
    """Return the result of an attempt, None where it gives up until the next one (exit 69)."""
    try:
        return site.attempt(document)
    except Unavailable:
        return None


def troubled(names: list[str]) -> list[int]:
    """Return the numbers of all writes, but of the uploads only the first, a middle, the last."""
    uploads = [at for at, name in enumerate(names) if name == "PUT artifact"]
    alike = set(uploads[1:-1]) - {uploads[len(uploads) // 2]}
    return [at for at in range(len(names)) if at not in alike]


@dataclass
class Process:
    """`trainer-job run` of a run, as a pod runs it."""

    site: Site
    document: RunDocument
    folder: Path

    def start(self) -> subprocess.Popen[str]:
        variables = {RUN_VARIABLE: self.document.model_dump_json(by_alias=True, exclude_none=True)}
        return subprocess.Popen(
            [PROGRAM, "run"],
            env=environment(self.site.database.settings, **variables),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def kill_when(self, condition: Callable[[], object], what: str) -> None:
        """Start, and end by SIGKILL as soon as something is true."""
        process = self.start()
        try:
            wait_for(condition, what, 120, lambda: assert_runs(process))
        finally:
            process.kill()
            process.communicate()

    def results(self, attempts: int) -> list[Result]:
        """Run attempts at once to their end."""
        processes = [self.start() for _ in range(attempts)]
        printed = [process.communicate(timeout=240)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * attempts
        return [decode_result(text.splitlines()[-1]) for text in printed]


def assert_runs(process: subprocess.Popen[str]) -> None:
    assert process.poll() is None, f"it ended with {process.returncode} before it was killed"


def test_a_process_that_is_killed_while_it_logs(site: Site, tmp_path: Path) -> None:
    document = site.new_run()
    client = connect(document.tracking).client

    def logs() -> bool:
        experiment = client.get_experiment_by_name(document.tracking.experiment)
        return bool(experiment and client.search_runs([experiment.experiment_id]))

    attempts = Process(site, document, tmp_path)
    attempts.kill_when(logs, "a run in MLflow")
    one, two = attempts.results(2)
    assert one == two
    site.assert_decided_once(document, one)


def test_a_process_that_is_killed_while_it_promotes(site: Site, tmp_path: Path) -> None:
    document = site.new_run()
    waits = """
        SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
        WHERE relname = 'promotions' AND NOT granted
    """

    def promotes() -> bool:
        with site.database.engine.connect() as other:
            return bool(other.execute(text(waits)).scalar())

    attempts = Process(site, document, tmp_path)
    with site.database.engine.begin() as connection:
        connection.execute(text("LOCK TABLE trainer.promotions IN SHARE MODE"))
        attempts.kill_when(promotes, "a promotion that waits")
    (result,) = attempts.results(1)
    site.assert_decided_once(document, result)
