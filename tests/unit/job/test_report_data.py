import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.support.reports import make_report
from trainer_job.report.data import DRAWN, DRAWN_A_MODE, MODES_SHOWN


def test_few_episodes_are_all_drawn() -> None:
    data = make_report(60)
    assert data.drawn.tolist() == list(range(60))
    assert data.sizes == {0: 20, 1: 20, 2: 20}


def test_of_many_a_sample_is_drawn_the_same_each_time() -> None:
    modes = np.repeat([0, 1, 2], [20_000, 7, 300])
    data = make_report(len(modes), modes=modes)
    counts = np.bincount(modes[data.drawn]).tolist()
    assert DRAWN - 10 < sum(counts) < DRAWN + 3 * DRAWN_A_MODE
    assert counts[1:] == [7, 29]  # all of the smallest, and of the next its share
    assert len(set(data.drawn.tolist())) == len(data.drawn)
    assert data.drawn.tolist() == make_report(len(modes), modes=modes).drawn.tolist()
    assert data.drawn.tolist() != make_report(len(modes), modes=modes, seed=1).drawn.tolist()


@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=8))
def test_every_mode_is_in_the_sample(sizes: list[int]) -> None:
    modes = np.repeat(np.arange(len(sizes)), sizes)
    data = make_report(len(modes), modes=modes)
    drawn = np.bincount(modes[data.drawn])
    assert (drawn >= np.minimum(sizes, DRAWN_A_MODE)).all()


def test_the_largest_modes_are_shown() -> None:
    modes = np.repeat(np.arange(20), np.arange(1, 21))
    assert make_report(len(modes), modes=modes).shown == tuple(range(20 - MODES_SHOWN, 20))


def test_a_mode_is_called_by_number_and_name() -> None:
    data = make_report(names={1: "worn"})
    assert [data.call(mode) for mode in data.sizes] == ["mode 0", "mode 1: worn", "mode 2"]


def test_a_feature_is_called_by_sensor_and_statistic() -> None:
    long = tuple(f"plant-7/line-3/press-{n}/pressure-of-the-main-cylinder" for n in (4, 17))
    data = make_report(sensors=long, feature_set="robust")
    assert data.shorten(f"{long[1]}_log_mean") == "…17… log mean"
    assert make_report(feature_set="seed").shorten("duration") == "duration"
    shape = make_report(feature_set="catch22").shorten("Fx_catch22_forecast_error")
    assert shape == "Fx forecast error"


def test_a_sensor_may_be_called_like_a_statistic() -> None:
    data = make_report(sensors=("a", "a_logged", "a_mean"))
    assert {sensor for sensor, _ in data.strongest} == {"a", "a_logged", "a_mean"}
    assert data.origins["a_logged_mean"] == ("a_logged", "mean")
    assert data.shorten("a_logged_mean") == f"{data.shorthand['a_logged']} mean"
