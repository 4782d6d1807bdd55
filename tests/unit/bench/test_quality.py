import numpy as np
import pandas as pd
import pytest

from bench import quality
from bench.synthetic import Recording, plant
from tests.unit.job.clustering.groups import grouped
from trainer_job.clustering.selection import Selection
from trainer_job.features import episode_features


def test_scores_of_a_plant_that_is_easy() -> None:
    values = np.repeat([0.0, 10.0, 20.0], 10)
    recording = plant(0)
    readings = recording.readings.head(0)
    rows = [{"episode": n, "Sensor 0": value + n / 100} for n, value in enumerate(values)]
    readings = readings.from_records(rows)
    easy = Recording(readings, ("Sensor 0",), np.repeat([0, 1, 2], 10))
    table = episode_features(easy.readings, easy.sensors, "basic")
    found = quality.scores(easy, table, "wardKMeans", 3, 0)
    assert (found.ari, found.nmi, found.f1) == pytest.approx((1.0, 1.0, 1.0))
    assert found.silhouette > 0.9
    one = quality.scores(easy, table, "kmeans", 1, 0)
    assert (one.ari, one.silhouette) == (0.0, 0.0)


def test_every_pair_is_tried_on_a_plant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "SETS", ("basic", "logged"))
    found = quality.on_plant(0)
    assert set(found) == set(quality._pairs())
    assert all(-1 <= ari <= 1 for ari in found.values())


def test_noise_of_ten_episodes_hardly_ever_passes() -> None:
    pair = ("logged", "wardKMeans")
    assert quality.false_alarms("normal", 10, range(8), (pair,), choosing=False)[pair] <= 0.25


@pytest.mark.parametrize(("chosen", "share"), [(None, 0.0), (2, 1.0)])
def test_where_a_number_is_chosen_it_is_judged(
    monkeypatch: pytest.MonkeyPatch, chosen: int | None, share: float
) -> None:
    asked = []

    def passes(_: pd.DataFrame, algorithm: str, clusters: int, seed: int) -> bool:
        asked.append((algorithm, clusters, seed))
        return True

    monkeypatch.setattr(quality, "choose", lambda *_: Selection(chosen, None, (), 10))
    monkeypatch.setattr(quality, "passes", passes)
    pair = ("basic", "wardKMeans")
    assert quality.false_alarms("normal", 10, range(1), (pair,), choosing=True) == {pair: share}
    assert asked == ([] if chosen is None else [("wardKMeans", 2, 0)])


def test_a_plain_structure_passes_and_small_clusters_do_not() -> None:
    assert quality.passes(grouped(), "kmeans", 3, 0)
    assert not quality.passes(grouped(groups=1, size=5), "kmeans", 3, 0)


def test_one_outcome_at_the_true_number_and_at_the_chosen_one() -> None:
    found = quality.on_recording("lp4", "logged", "wardKMeans", 2, 2)
    assert len(found.true) == 2
    assert found.chosen in {None, 2}
    assert (found.at_chosen == 0) == (found.chosen is None)
    assert found.middle == found.true[0].ari
    assert quality.on_recording("lp4", "logged", "wardKMeans", 1, 0).chosen is None


def test_tables_have_a_row_for_each_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "SETS", ("basic",))
    monkeypatch.setattr(quality, "CHOOSING", ("basic",))
    score = quality.Scores(0.5, 0.4, 0.3, 0.2)
    found = {
        ("lp1", *pair): quality.Outcome([score], None if pair[1] == "kmeans" else 3, 0.25)
        for pair in quality._pairs()
    }
    lines = list(quality._compared(("lp1",), found))
    assert "| basic | kmeans | NoStructure | 0.25 |" in lines
    assert "| basic | wardKMeans | 3: 0.25 | 0.25 |" in lines
    assert "| basic | wardKMeans | 0.50 | 0.50 |" in lines
    assert "| basic | wardKMeans | 0.40 | 0.30 | 0.20 |" in lines


def test_a_range_is_told_where_the_seeds_differ() -> None:
    assert quality._range([0.5, 0.5, 0.501]) == "0.50"
    assert quality._range([0.3, 0.5, 0.6]) == "0.50 (0.30 to 0.60)"


def test_the_shipped_recordings_are_found() -> None:
    assert [len(recording.modes) for recording in quality.recordings()] == [88, 47, 47, 117, 164]
