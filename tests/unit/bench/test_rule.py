import pytest

from bench.rule import behind, recommended

SCORES = {
    ("logged", "kmeans"): [0.8, 0.5, 0.2],
    ("dynamics", "kmeans"): [0.6, 0.6, 0.2],
    ("basic", "kmeans"): [0.4, 0.1, -0.2],
}


def test_the_error_is_that_of_the_differences() -> None:
    gaps = behind(SCORES)
    assert gaps["logged", "kmeans"] == (0, 0)
    assert gaps["dynamics", "kmeans"] == pytest.approx((0.1 / 3, (0.07 / 3 / 3) ** 0.5))
    # Behind by the same everywhere: there is no doubt.
    assert gaps["basic", "kmeans"] == pytest.approx((0.4, 0))


def test_of_those_that_tie_the_most_stable_is_recommended() -> None:
    stable = {("logged", "kmeans"): 0.5, ("dynamics", "kmeans"): 0.6, ("basic", "kmeans"): 0.9}
    assert recommended(SCORES, stable) == ("dynamics", "kmeans")
    assert recommended(SCORES, {**stable, ("dynamics", "kmeans"): 0.4}) == ("logged", "kmeans")
