import numpy as np
import pytest

from bench.aa import CASES, RULES, Case, play, promoted, table
from tests.unit.job.evaluation.builders import make_comparison
from trainer_job.clustering import algorithms
from trainer_job.contract import Comparison
from trainer_job.evaluation import Inconclusive


@pytest.fixture(autouse=True)
def few_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules are tested here, and not how well a recipe fits."""
    monkeypatch.setattr(algorithms, "MOST_STARTS", 5)


SAME, WORSE = CASES[0], Case("worse recipe", 120, worse=True)


def test_luck_decides_seldom_between_models_of_one_recipe() -> None:
    found = [play(SAME, seed) for seed in range(12)]
    plain, ours, better = ([promoted(rule, each) for each in found] for rule in RULES.values())
    assert 0 < sum(plain) < 12
    assert sum(ours) >= 11
    assert sum(better) <= 1


def test_a_recipe_that_is_worse_is_seen() -> None:
    found = [play(WORSE, seed) for seed in range(6)]
    assert all(isinstance(each, Comparison) for each in found)
    assert sum(promoted(RULES["not surely worse by .05"], each) for each in found) <= 1


@pytest.mark.parametrize(
    ("rule", "low", "answer"),
    [
        ("no worse than 0.0", 0.0, True),
        ("no worse than 0.0", -0.02, False),
        ("not surely worse by .05", -0.2, True),
        ("surely better (minImprovement 0)", 0.01, True),
        ("surely better (minImprovement 0)", 0.0, False),
    ],
)
def test_rules_are_those_of_the_product(rule: str, low: float, answer: bool) -> None:
    assert promoted(RULES[rule], make_comparison(low, 0.0 if low < 0 else 0.2)) is answer


def test_what_cannot_be_told_is_promoted_by_no_rule() -> None:
    assert not any(promoted(rule, Inconclusive("too few")) for rule in RULES.values())


def test_every_case_is_a_line() -> None:
    lines = table(CASES[:2], 2).splitlines()
    named = dict.fromkeys(line.split("|")[1].strip() for line in lines[2:])
    assert list(named) == [case.name for case in CASES[:2]]
    assert len({line.count("|") for line in lines}) == 1
    assert np.all([line.startswith("| ") for line in lines])
