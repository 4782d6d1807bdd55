import numpy as np
import pytest

from bench import quality
from bench.synthetic import Recording, plant
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


def test_noise_of_ten_episodes_hardly_ever_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "SETS", ("logged",))
    assert quality.false_alarms("normal", 10, 8)["logged"] <= 0.25


def test_a_range_is_told_where_the_seeds_differ() -> None:
    assert quality._range([0.5, 0.5, 0.501]) == "0.50"
    assert quality._range([0.3, 0.5, 0.6]) == "0.50 (0.30 to 0.60)"


def test_the_shipped_recordings_are_found() -> None:
    assert [len(recording.modes) for recording in quality.recordings()] == [88, 47, 47, 117, 164]
