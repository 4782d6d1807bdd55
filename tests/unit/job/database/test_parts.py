"""How episodes are split among statements."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainer_job.database.computing import ENOUGH, GROUPS, SENSORS, _parts


@given(
    episodes=st.integers(1, 5_000),
    sensors=st.integers(0, 600),
    length=st.floats(0, 1e6),
    workers=st.integers(1, 4),
)
def test_every_episode_is_in_one_part_and_no_part_is_too_large(
    episodes: int, sensors: int, length: float, workers: int
) -> None:
    ids = np.arange(episodes)
    parts = _parts(ids, sensors, length, workers)
    assert np.concatenate(parts).tolist() == ids.tolist()
    assert max(map(len, parts)) * min(sensors, SENSORS) <= GROUPS


def test_a_few_episodes_are_read_at_once() -> None:
    assert len(_parts(np.arange(ENOUGH // 50), 20, 50, 3)) == 1


def test_a_few_long_episodes_are_shared_among_the_workers() -> None:
    assert len(_parts(np.arange(9), 20, ENOUGH, 3)) == 9
