"""What a spec may choose: the number of clusters or a range, algorithms, feature sets; novelty."""

import pickle
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest

from tests.support.bench import Bench, decided, message
from tests.support.plant import CENTRES
from trainer_job import reasons
from trainer_job.contract import Outcome, Result
from trainer_job.database.connection import Database
from trainer_job.database.source import PostgresEpisodes
from trainer_job.features import episode_features

WEEKS = {"lookback": "10d"}
RANGE = {"min": 2, "max": 5}


@pytest.fixture(scope="module")
def known(shared_database: Database, mlflow_server: str, undrawn: None) -> Bench:
    """Eighty episodes of four modes."""
    bench = Bench(shared_database, mlflow_server)
    bench.plant.days(10, 4)
    return bench


@pytest.fixture(scope="module")
def chosen(known: Bench) -> Result:
    return known.run(data=WEEKS, model={"clusterRange": RANGE})


@pytest.fixture
def noise(database: Database, mlflow_server: str, undrawn: None) -> Bench:
    """Forty episodes of one mode."""
    bench = Bench(database, mlflow_server)
    bench.plant.days(10, 2, labelled=False, apart=0)
    return bench


def test_the_number_of_modes_is_found(chosen: Result) -> None:
    assert decided(chosen) == (Outcome.PROMOTED, reasons.GATES_PASSED)
    assert chosen.model is not None
    assert chosen.model.clusters == 4


def test_noise_has_no_structure(noise: Bench) -> None:
    result = noise.run(data=WEEKS, model={"clusterRange": RANGE})
    assert decided(result) == (Outcome.REJECTED, reasons.NO_STRUCTURE)
    assert "all episodes form one cluster" in message(result)
    assert result.model is not None
    assert (result.model.clusters, result.model.silhouette) == (1, None)
    assert noise.alias() is None


def test_one_mode_is_an_answer_where_it_may_be(noise: Bench) -> None:
    result = noise.run(data=WEEKS, model={"clusterRange": {**RANGE, "min": 1}})
    assert decided(result)[0] is Outcome.PROMOTED
    assert "All 40 episodes are one failure mode." in message(result)


def served(bench: Bench, result: Result) -> Any:
    """Return the model as MLflow loads it."""
    assert result.model is not None
    for place in (mlflow.set_tracking_uri, mlflow.set_registry_uri):
        place(bench.url)
    return mlflow.pyfunc.load_model(result.model.uri)


def readings(levels: dict[str, tuple[float, ...]]) -> pd.DataFrame:
    """Return an episode of two readings for each name, at levels of the three sensors."""
    rows = [[name, *values] for name, values in levels.items() for _ in range(2)]
    return pd.DataFrame(rows, columns=["episode", "Fx", "Fy", "Tz"])


def test_what_is_unlike_all_modes_is_told(known: Bench, chosen: Result) -> None:
    near = tuple(8.0 * level for level in CENTRES[0])
    told = served(known, chosen).predict(readings({"near": near, "far": (300.0, -300.0, 300.0)}))
    found = told.set_index("episode")
    assert found["novelty"]["far"] > 1
    assert found["name"]["near"] == "worn"
    assert found["name"]["far"] in {"worn", "loose", "jammed", "bent"}
    assert chosen.model is not None
    assert set(found["model_version"]) == {chosen.model.version}


def test_few_episodes_cannot_tell_what_is_novel(database: Database, mlflow_server: str) -> None:
    bench = Bench(database, mlflow_server)
    bench.plant.modes(29)
    result = bench.run()
    table = pd.DataFrame({"episode": ["x"], "Fx": [1e6], "Fy": [1e6]})
    assert served(bench, result).predict(table)["novelty"].isna().all()
    assert result.model is not None
    run = bench.tracking().client.get_run(result.model.run_id)
    assert "novelty_rate" not in run.data.metrics


@pytest.mark.parametrize(
    ("algorithm", "feature_set"),
    [
        ("kmeans", "seed"),
        ("kmeans", "catch22"),
        ("wardKMeans", "logged"),
        ("bisectingKMeans", "robust"),
        ("gaussianMixture", "dynamics"),
    ],
)
def test_whatever_made_the_modes_older_predictors_find_them(
    known: Bench, algorithm: str, feature_set: str
) -> None:
    bench = Bench(known.database, known.url)
    result = bench.run(
        data=WEEKS,
        model={"algorithm": algorithm, "clusters": 4},
        features={"set": feature_set},
    )
    assert decided(result)[0] in {Outcome.PROMOTED, Outcome.REJECTED}
    episodes = bench.episodes(result)
    features = of_readings(bench, list(episodes.index), feature_set)
    assert result.model is not None
    mlflow.set_tracking_uri(bench.url)
    clusters = mlflow.sklearn.load_model(f"runs:/{result.model.run_id}/kmeans_model")
    scaler = pickle.loads(bench.artifact(result, "scaler.pkl").read_bytes())  # noqa: S301
    assert list(clusters.predict(scaler.transform(features))) == list(episodes["mode"])
    assert np.bincount(episodes["mode"]).min() > 0


def of_readings(bench: Bench, ids: list[int], feature_set: str) -> pd.DataFrame:
    """Return the features of episodes as a predictor computes them."""
    with PostgresEpisodes(bench.database) as source:
        return episode_features(source.readings(ids), ("Fx", "Fy", "Tz"), feature_set)
