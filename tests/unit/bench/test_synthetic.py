import numpy as np
import pandas as pd
import pytest

from bench.synthetic import NOISE, noise, plant


@pytest.mark.parametrize("seed", range(8))
def test_a_plant_is_as_it_says(seed: int) -> None:
    recording = plant(seed)
    sizes = np.bincount(recording.modes)
    assert 2 <= len(sizes) <= 6
    assert sizes.min() >= 4
    assert 40 <= sizes.sum() <= 200
    assert 6 <= len(recording.sensors) <= 20
    lengths = recording.readings.groupby("episode").size()
    assert len(lengths) == len(recording.modes)
    assert lengths.between(15, 50).all()
    assert np.isfinite(recording.readings.to_numpy("float64")).all()


def test_a_seed_invents_the_same_again() -> None:
    pd.testing.assert_frame_equal(plant(3).readings, plant(3).readings)
    assert not plant(3).readings.equals(plant(4).readings)


@pytest.mark.parametrize("kind", NOISE)
def test_noise_has_one_mode(kind: str) -> None:
    recording = noise(kind, 10, 0, sensors=3, readings=5)
    assert recording.readings.shape == (50, 4)
    assert set(recording.modes) == {0}


def test_noise_remembers_where_it_should() -> None:
    values = {
        kind: noise(kind, 200, 0).readings.groupby("episode")["Sensor 0"]
        for kind in ("normal", "autoregressive")
    }
    memory = {kind: groups.apply(pd.Series.autocorr).mean() for kind, groups in values.items()}
    assert memory["autoregressive"] > 0.4
    assert abs(memory["normal"]) < 0.2
