import json

import pandas as pd
import pytest

from tests.support.trained import make_trained
from trainer_job import clustering, report


@pytest.fixture
def table() -> pd.DataFrame:
    """Two clusters that differ in `small`; `duration` is large everywhere, and tells nothing."""
    return pd.DataFrame(
        {
            "duration": [900.0, 1000.0, 1100.0, 900.0, 1000.0, 1100.0],
            "small": [0.1, 0.11, 0.09, 0.9, 0.91, 0.89],
            "constant": [5.0] * 6,
        }
    )


def test_a_profile_holds_means_size_and_label(table: pd.DataFrame) -> None:
    fitted = clustering.fit(table, 2, 42)
    low = int(fitted.modes[0])
    found = report.profiles(table, fitted, {low: "worn"})
    assert list(found) == ["0", "1"]
    assert found[str(low)]["label"] == "worn"
    assert found[str(1 - low)]["label"] is None
    assert found[str(low)]["size"] == 3
    assert found[str(low)]["all_features"]["small"] == pytest.approx(0.1)
    assert found[str(low)]["all_features"]["duration"] == pytest.approx(1000)


def test_distinctive_is_what_deviates_and_not_what_is_large(table: pd.DataFrame) -> None:
    fitted = clustering.fit(table, 2, 42)
    low = str(fitted.modes[0])
    distinctive = report.profiles(table, fitted, {})[low]["distinctive_features"]
    assert list(distinctive) == ["small", "duration", "constant"]
    assert distinctive["small"] == pytest.approx(-1, abs=0.01)
    assert distinctive["duration"] == pytest.approx(0)
    assert distinctive["constant"] == 0


def test_features_keep_the_order_of_the_columns_through_json() -> None:
    trained = make_trained()
    read = json.loads(json.dumps(trained.profiles))
    for profile in read.values():
        assert list(profile["all_features"]) == list(trained.features.columns)
        assert len(profile["distinctive_features"]) == report.DISTINCTIVE


def test_the_report_is_a_table_of_modes() -> None:
    trained = make_trained()
    text = report.markdown(trained.profiles, {"silhouette": 0.5, "macro F1": None})
    assert "- silhouette: 0.5\n" in text
    assert "macro F1" not in text
    for mode, profile in trained.profiles.items():
        assert f"\n| {mode} | {profile['label']} | 4 | " in text


def test_a_mode_without_label_is_called_unknown() -> None:
    trained = make_trained(labelled=False)
    assert "| 0 | unknown | 4 |" in report.markdown(trained.profiles, {})
