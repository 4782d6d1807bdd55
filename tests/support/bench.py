"""Training runs of one registered name, on a database of their own."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tests.support.plant import Plant
from tests.support.trained import make_document
from trainer_job.contract import Comparison, Outcome, Progress, Result, RunDocument
from trainer_job.database.connection import Database
from trainer_job.pipeline import train
from trainer_job.registry import lookup
from trainer_job.registry.tracking import Tracking, connect


@dataclass
class Bench:
    """A database, a server and a model of this test's own."""

    database: Database
    url: str
    name: str = field(default_factory=lambda: f"model-{uuid.uuid4()}")
    told: list[Progress] = field(default_factory=list)

    @property
    def plant(self) -> Plant:
        return Plant(self.database)

    def document(self, **parts: Any) -> RunDocument:
        """Return a document that trains also on what was trained on before."""
        parts["gates"] = {"unchangedData": "Train", **parts.get("gates", {})}
        parts["model"] = {"registeredName": self.name, **parts.get("model", {})}
        return make_document(self.url, **parts)

    def tracking(self, document: RunDocument | None = None) -> Tracking:
        return connect((document or self.document()).tracking)

    def train(self, document: RunDocument, **others: Any) -> Result:
        tracking = others.pop("tracking", None) or self.tracking(document)
        return train(document, self.database, tracking, self.told.append, **others)

    def run(self, **parts: Any) -> Result:
        return self.train(self.document(**parts))

    def versions(self, document: RunDocument) -> list[Any]:
        return lookup.versions(self.tracking(document), document)

    def alias(self) -> str | None:
        client = self.tracking().client
        if not client.search_registered_models(f"name = '{self.name}'"):
            return None
        version: str | None = client.get_registered_model(self.name).aliases.get("production")
        return version

    def assert_nothing_registered(self, document: RunDocument) -> None:
        client = self.tracking(document).client
        assert client.search_registered_models(f"name = '{self.name}'") == []
        assert client.get_experiment_by_name(document.tracking.experiment) is None

    def artifact(self, result: Result, name: str) -> Path:
        assert result.model is not None
        return Path(self.tracking().client.download_artifacts(result.model.run_id, name))

    def episodes(self, result: Result) -> pd.DataFrame:
        """Return mode and distance of the episodes that a model was fitted on, by id."""
        return pd.read_csv(self.artifact(result, "episodes.csv"), index_col="episode")


def decided(result: Result) -> tuple[Outcome, str]:
    assert result.decision is not None
    return result.decision.outcome, result.decision.reason


def message(result: Result) -> str:
    assert result.decision is not None
    return result.decision.message


def comparison(result: Result) -> Comparison | None:
    assert result.decision is not None
    assert result.decision.champion is not None
    return result.decision.champion.comparison
