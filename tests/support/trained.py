"""Small trained models, made of invented episodes."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from trainer_job import clustering, features, report
from trainer_job.contract import DataSummary, Decision, Outcome, RunDocument
from trainer_job.evaluation import score_labels
from trainer_job.trained import TrainedModel

SENSORS = ("Fx", "Fy", "Tz")
WHERE = "db:5432/plant"
"""The database that models of the tests are said to come from."""
AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAGED = Decision(
    outcome=Outcome.STAGED, reason="AwaitingRollout", message="Every gate passed; not yet served."
)


def make_readings(episodes: int = 12, length: int = 5, seed: int = 0) -> pd.DataFrame:
    """Return readings of three kinds of episodes by turns, well apart in every statistic."""
    noise = np.random.default_rng(seed).normal(scale=0.05, size=(episodes * length, len(SENSORS)))
    numbers = np.repeat(np.arange(episodes), length)
    rise = np.tile(np.linspace(4, 6, length), episodes)
    values = noise + ((numbers % 3 + 1) * rise)[:, None]
    moments = [AS_OF - timedelta(minutes=1) + timedelta(seconds=n) for n in range(len(numbers))]
    table = pd.DataFrame(values, columns=list(SENSORS))
    table.insert(0, "timestamp", [moment.isoformat() for moment in moments])
    table.insert(0, "episode", [str(100 + number) for number in numbers])
    return table


def make_trained(
    feature_set: str = "basic",
    labelled: bool = True,
    seed: int = 0,
    algorithm: str = "kmeans",
) -> TrainedModel:
    """Return a model of three clusters, with two sample episodes."""
    readings = make_readings(seed=seed)
    table = features.episode_features(readings, SENSORS, feature_set)
    table.index = table.index.astype(int)
    fitted = clustering.fit(table, algorithm, 3, 42)
    labels = [("worn", "loose", "jammed")[number % 3] for number in range(len(table))]
    found = score_labels(list(fitted.modes), labels, 3) if labelled else None
    return TrainedModel(
        sensors=SENSORS,
        feature_set=feature_set,
        algorithm=algorithm,
        features=table,
        clustering=fitted,
        labels=found,
        names=found.names if found else {},
        true_labels=tuple(labels) if labelled else (),
        profiles=report.profiles(table, fitted, found.names if found else {}),
        sample=readings[readings["episode"].isin(["100", "101", "102"])],
        data=DataSummary(
            episodes=len(table),
            readings=len(readings),
            machines=1,
            since=AS_OF - timedelta(hours=1),
            until=AS_OF,
        ),
        lookback_hours=1.0,
    )


def make_document(uri: str, name: str | None = None, **parts: Any) -> RunDocument:
    """Return the document of a new run, in an experiment of its own.

    Parameters
    ----------
    uri
        MLflow server.
    name
        Registered name; the default one where it is None.
    parts
        Further fields of the document.
    """
    uid = str(uuid.uuid4())
    model: Mapping[str, Any] = {} if name is None else {"registeredName": name}
    document = {
        "run": {"name": "nightly", "namespace": "plant", "uid": uid},
        "asOf": AS_OF.isoformat(),
        "tracking": {"uri": uri, "experiment": f"experiment-{uid}"},
        "model": model,
    }
    return RunDocument.model_validate(document | parts)
