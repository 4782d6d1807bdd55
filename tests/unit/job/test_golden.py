import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from tests.support.trained import SENSORS, make_readings, make_trained
from trainer_job.errors import JobError
from trainer_job.registry import golden
from trainer_job.registry.golden import first_difference

TRAINED = make_trained("robust")
ANSWERS = [
    {"episode": "1", "mode": 2, "distance": 0.25},
    {"episode": "2", "mode": 0, "distance": 100.0},
]


def test_the_answers_are_those_of_the_training() -> None:
    made = json.loads(json.dumps(golden.make(TRAINED), allow_nan=False))
    split = made["request"]["dataframe_split"]
    assert split["columns"] == ["episode", "timestamp", *SENSORS]
    assert len(split["data"]) == len(TRAINED.sample)
    assert [answer["episode"] for answer in made["answers"]] == ["100", "101", "102"]
    modes = TRAINED.clustering.modes[:3]
    assert [answer["mode"] for answer in made["answers"]] == list(modes)


def test_gaps_in_a_golden_episode_are_json() -> None:
    trained = make_trained()
    sample = trained.sample.copy()
    extra = sample.iloc[[0]].assign(Fx=float("nan"), Fy=float("nan"), Tz=float("nan"))
    made = golden.make(replace(trained, sample=pd.concat([sample, extra])))
    assert made["request"]["dataframe_split"]["data"][-1][2:] == [None, None, None]
    json.dumps(made, allow_nan=False)


@pytest.mark.parametrize(
    "sample",
    [
        make_readings().head(2),  # a part of an episode
        make_readings(seed=1).head(5),  # other readings
        make_readings().head(5).assign(episode="unknown"),
    ],
)
def test_a_model_that_disagrees_with_its_training_is_not_registered(sample: pd.DataFrame) -> None:
    with pytest.raises(JobError, match="Nothing was registered"):
        golden.make(replace(make_trained(), sample=sample))


def test_answers_are_found_by_episode_and_not_by_place() -> None:
    assert first_difference(ANSWERS, list(reversed(ANSWERS))) == ""


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"episode": "3"}, "no answer for episode 1"),
        ({"mode": 1}, "mode 1, not 2"),
        ({"mode": None}, "mode None, not 2"),
        ({"distance": 0.2502}, "distance 0.2502, not 0.25"),
        ({"distance": None}, "distance None, not 0.25"),
        ({"distance": float("nan")}, "distance nan, not 0.25"),
    ],
)
def test_the_first_difference_is_told(changed: dict[str, Any], words: str) -> None:
    predictions = [ANSWERS[0] | changed, ANSWERS[1]]
    assert words in first_difference(ANSWERS, predictions)


@pytest.mark.parametrize(("right", "given"), [(100.0, 100.00005), (0.0, 2e-5), (2e-5, 0.0)])
def test_arithmetic_may_differ_a_little(right: float, given: float) -> None:
    """Close to a centre more than by its share: a mode of one episode has distance zero."""
    expected = [ANSWERS[0] | {"distance": right}]
    assert first_difference(expected, [ANSWERS[0] | {"distance": given}]) == ""
