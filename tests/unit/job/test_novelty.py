import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_job.novelty import Novelty, calibrate, is_novel, spreads


def calibrated(number: int, modes: int = 2, seed: int = 0) -> tuple[Novelty, Any]:
    """Calibrate on distances, each an exponential in units of its mode: 1, 10, ..."""
    rng = np.random.default_rng(seed)
    which = np.arange(number) % modes
    distances = rng.exponential(size=number) * 10.0**which
    scale = np.array([10.0**mode for mode in range(modes)])
    return calibrate(distances, which, scale, [n // 3 for n in range(number)]), distances


def test_too_few_held_out_episodes_offer_nothing() -> None:
    found, _ = calibrated(29)
    assert (found.thresholds, found.rate, found.calibration) == (None, None, 29)
    assert found.message == "Novelty is not offered: 29 episodes beside the training, 30 needed."


def test_few_episodes_of_a_mode_are_pooled_in_units_of_its_spread() -> None:
    found, distances = calibrated(60)
    assert found.thresholds is not None
    largest = max(distances[::2].max(), distances[1::2].max() / 10)
    assert found.thresholds == pytest.approx((largest, 10 * largest))
    assert found.pooled == (0, 1)
    assert "modes 0, 1 have fewer than 100" in found.message


def test_many_episodes_of_a_mode_are_its_own() -> None:
    rng = np.random.default_rng(3)
    modes = np.repeat([0, 1], [199, 99])
    distances = np.where(modes == 0, rng.permutation(298), rng.random(298))
    found = calibrate(distances, modes, np.ones(2), modes.tolist())
    own = np.sort(distances[modes == 0])
    assert found.thresholds is not None
    assert found.thresholds[0] == own[197]  # 200 · .99 = 198th smallest
    assert found.thresholds[1] > 1  # the pool's
    assert found.pooled == (1,)


def test_a_mode_that_was_never_held_out_has_a_threshold() -> None:
    found = calibrate(np.ones(40), np.zeros(40, dtype=int), np.array([1.0, 3.0]), range(40))
    assert found.thresholds == (1, 3)


@pytest.mark.parametrize("number", [60, 240, 1000])
def test_at_most_about_alpha_of_new_episodes_is_novel(number: int) -> None:
    rates = []
    for seed in range(40):
        found, _ = calibrated(number, seed=seed)
        assert found.thresholds is not None
        _, fresh = calibrated(2000, seed=1000 + seed)
        rates.append(is_novel(fresh, np.arange(2000) % 2, found.thresholds).mean())
    assert np.mean(rates) <= max(0.01, 1 / (number + 1)) + 0.005


def test_the_realised_rate_shows_days_that_differ() -> None:
    rng = np.random.default_rng(5)
    days = np.repeat(np.arange(20), 20)
    modes = np.zeros(400, dtype=int)
    alike = calibrate(rng.exponential(size=400), modes, np.ones(1), days.tolist())
    drifting = calibrate(rng.random(400) + days, modes, np.ones(1), (days // 2).tolist())
    assert alike.rate is not None
    assert drifting.rate is not None
    assert alike.rate < 0.03 < drifting.rate
    assert f"{drifting.rate:.1%} of them" in drifting.message


def test_one_machine_day_cannot_tell_the_rate() -> None:
    assert calibrate(np.ones(40), np.zeros(40, dtype=int), np.ones(1), [1] * 40).rate is None


def test_what_a_model_carries_is_plain_numbers() -> None:
    found, _ = calibrated(150)
    carried = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert set(carried) == {"alpha", "thresholds", "calibration", "pooled", "rate"}
    assert tuple(carried["thresholds"]) == found.thresholds


def test_spreads_are_above_zero() -> None:
    modes = np.array([0, 0, 0, 1, 1, 2])
    assert spreads(np.array([1.0, 2, 9, 0, 0, 4]), modes, 3).tolist() == [2, 1.5, 4]
    assert spreads(np.zeros(6), modes, 3).tolist() == [1, 1, 1]


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 2)), min_size=30, max_size=80),
    st.permutations(range(3)),
)
def test_numbers_of_clusters_do_not_matter(
    drawn: list[tuple[float, int]], order: list[int]
) -> None:
    distances = np.array([distance for distance, _ in drawn])
    modes = np.array([mode for _, mode in drawn])
    scale, days = np.array([1.0, 2.0, 5.0]), [n // 4 for n in range(len(drawn))]
    one = calibrate(distances, modes, scale, days)
    other = calibrate(distances, np.array(order)[modes], scale[np.argsort(order)], days)
    assert one.thresholds is not None
    assert other.thresholds is not None
    assert tuple(other.thresholds[order[mode]] for mode in range(3)) == one.thresholds
    assert one.rate == other.rate
