import json

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from trainer_job import report
from trainer_job.clustering import Clustering

MODES = np.array([0, 0, 0, 1, 1, 1])


@pytest.fixture
def table() -> pd.DataFrame:
    """Two modes that differ in `small`; `duration` is large everywhere, and tells nothing."""
    return pd.DataFrame(
        {
            "duration": [900.0, 1000.0, 1100.0, 900.0, 1000.0, 1100.0],
            "small": [0.1, 0.11, 0.09, 0.9, 0.91, 0.89],
            "constant": [5.0] * 6,
        }
    )


@pytest.fixture
def fitted() -> Clustering:
    return Clustering(
        pipeline=Pipeline([("scaler", "passthrough")]),
        modes=MODES,
        distances=np.ones(6),
        silhouette=None,
        clusters=2,
    )


def test_a_profile_holds_means_size_and_label(table: pd.DataFrame, fitted: Clustering) -> None:
    found = report.profiles(table, fitted, {0: "worn"})
    assert list(found) == ["0", "1"]
    assert found["0"]["label"] == "worn"
    assert found["1"]["label"] is None
    assert found["0"]["size"] == 3
    assert found["0"]["all_features"]["small"] == pytest.approx(0.1)
    assert found["0"]["all_features"]["duration"] == pytest.approx(1000)


def test_distinctive_is_what_deviates_and_not_what_is_large(
    table: pd.DataFrame, fitted: Clustering
) -> None:
    distinctive = report.profiles(table, fitted, {})["0"]["distinctive_features"]
    assert list(distinctive) == ["small", "duration", "constant"]
    assert distinctive["small"] == pytest.approx(-1, abs=0.01)
    assert distinctive["duration"] == pytest.approx(0)
    assert distinctive["constant"] == 0


def test_features_keep_the_order_of_the_columns_through_json(
    table: pd.DataFrame, fitted: Clustering
) -> None:
    wide = pd.concat([table, table.add_suffix("_b")], axis=1)
    read = json.loads(json.dumps(report.profiles(wide, fitted, {})))
    for profile in read.values():
        assert list(profile["all_features"]) == list(wide.columns)
        assert len(profile["distinctive_features"]) == report.DISTINCTIVE
