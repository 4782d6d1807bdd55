from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, silhouette_score

from trainer_job.clustering import silhouette
from trainer_job.contract import Comparison
from trainer_job.evaluation import Assignment, Inconclusive, compare
from trainer_job.evaluation.comparison import HeldOut, digest, interval

NAMES = {0: "a", 1: "b"}


def made(
    episodes: int = 40, blocks: int = 10, labelled: int = 40, seed: int = 0
) -> tuple[HeldOut, Any]:
    """Return held-out episodes of two kinds by turns, and which is which."""
    kinds = np.arange(episodes) % 2
    noise = np.random.default_rng(seed).normal(scale=0.5, size=(episodes, 2))
    labels = ["ab"[kind] if n < labelled else None for n, kind in enumerate(kinds)]
    days: list[Hashable] = [("machine", n * blocks // episodes) for n in range(episodes)]
    return HeldOut(
        list(range(100, 100 + episodes)), labels, days, kinds[:, None] * 3 + noise
    ), kinds


def side(modes: Any, names: Mapping[int, str] = NAMES, wrong: tuple[int, ...] = ()) -> Assignment:
    modes = np.array(modes)
    modes[list(wrong)] = 1 - modes[list(wrong)]
    return Assignment(modes, names)


def compared(ours: Assignment, theirs: Assignment, held_out: HeldOut) -> Comparison:
    found = compare(ours, theirs, held_out, 42)
    assert isinstance(found, Comparison)
    return found


def missing(ours: Assignment, theirs: Assignment, held_out: HeldOut) -> str:
    found = compare(ours, theirs, held_out, 42)
    assert isinstance(found, Inconclusive)
    return found.because


def test_enough_labels_are_compared_by_f1() -> None:
    held_out, kinds = made()
    theirs = side(kinds, wrong=(3, 8, 17, 30))
    found = compared(side(kinds), theirs, held_out)
    score = f1_score(held_out.labels, [NAMES[mode] for mode in theirs.modes], average="macro")
    assert (found.measure, found.episodes) == ("F1", 40)
    assert found.difference == pytest.approx(1 - score)
    assert 0 <= found.low < found.difference < found.high < 0.3


def test_each_model_has_its_own_names() -> None:
    held_out, kinds = made()
    found = compared(side(kinds), side(1 - kinds, {0: "b", 1: "a"}), held_out)
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_only_labelled_episodes_are_compared_by_f1() -> None:
    held_out, kinds = made(labelled=32)
    found = compared(side(kinds), side(kinds, wrong=(35,)), held_out)
    assert (found.measure, found.episodes, found.difference) == ("F1", 32, 0)
    assert found.digest == digest(held_out.episodes[:32])


@pytest.mark.parametrize(
    "parts",
    [
        {"labelled": 29},
        {"labelled": 30, "blocks": 5},  # the labelled ones lie on four machine-days
    ],
)
def test_too_few_labels_leave_the_separation(parts: dict[str, int]) -> None:
    held_out, kinds = made(**parts)
    theirs = side(kinds, wrong=(3, 8, 17))
    found = compared(side(kinds), theirs, held_out)
    scores = [silhouette_score(held_out.space, modes) for modes in (kinds, theirs.modes)]
    assert (found.measure, found.episodes) == ("Separation", 40)
    assert found.difference == pytest.approx(scores[0] - scores[1])
    assert 0 < found.low < found.difference < found.high


def test_a_label_that_is_not_drawn_counts_for_neither_model() -> None:
    """All episodes of the third label are of one day, which a third of the draws lack."""
    held_out, kinds = made(60, 10, 60)
    modes = np.where(np.arange(60) < 6, 2, kinds)
    labels = [{**NAMES, 2: "c"}[mode] for mode in modes.tolist()]
    theirs = modes.copy()
    theirs[20] = 2
    names = {**NAMES, 2: "c"}
    held_out = replace(held_out, labels=labels)
    found = compared(Assignment(modes, names), Assignment(theirs, names), held_out)
    assert 0 < found.difference < found.high < 0.2


def test_a_model_without_names_is_not_compared_by_f1() -> None:
    held_out, kinds = made()
    assert compared(side(kinds), side(kinds, {}), held_out).measure == "Separation"
    assert compared(side(kinds, {}), side(kinds), held_out).measure == "Separation"


@pytest.mark.parametrize(
    ("episodes", "blocks", "words"),
    [(19, 10, "19 held-out episodes of 10"), (40, 4, "40 held-out episodes of 4 machine-days")],
)
def test_too_little_data_cannot_tell(episodes: int, blocks: int, words: str) -> None:
    held_out, kinds = made(episodes, blocks)
    because = missing(side(kinds), side(kinds), held_out)
    assert words in because
    assert "20 of 5 needed" in because
    assert "spec.gates.champion.lookback" in because


def test_a_model_that_sees_no_two_kinds_cannot_be_compared() -> None:
    held_out, kinds = made(labelled=0)
    assert "the champion sees no two kinds" in missing(side(kinds), side(kinds * 0), held_out)
    assert "this model sees no two kinds" in missing(side(kinds * 0), side(kinds), held_out)


def test_very_many_episodes_are_sampled_alike_for_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silhouette, "SAMPLE", 60)
    held_out, kinds = made(episodes=200, labelled=0)
    found = compared(side(kinds), side(kinds), held_out)
    assert (found.episodes, found.low, found.high) == (60, 0, 0)


def test_the_digest_is_of_the_episodes_and_not_of_their_order() -> None:
    assert digest([3, 1, 2]) == digest([1, 2, 3]) != digest([1, 2, 4])
    assert len(digest([1])) == 16


def mean(sums: Any) -> Any:
    return sums[..., 0] / sums[..., 1]


def width(values: Any, blocks: list[int]) -> float:
    table = np.stack([values, np.ones(len(values))], axis=1)
    _, low, high = interval(table, blocks, mean, 42)
    return high - low


@given(st.lists(st.floats(-1, 1), min_size=10, max_size=40), st.integers(5, 10))
@settings(max_examples=30)
def test_the_interval_holds_what_was_found_and_shrinks_with_data(
    values: list[float], number: int
) -> None:
    blocks = [n % number for n in range(len(values))]
    table = np.stack([values, np.ones(len(values))], axis=1)
    found, low, high = interval(table, blocks, mean, 42)
    assert found == pytest.approx(np.mean(values))
    assert low <= found <= high
    again = np.tile(values, 9), [block + 100 * n for n in range(9) for block in blocks]
    assert width(*again) <= (high - low) * 0.6 + 1e-12


def test_episodes_of_one_machine_day_are_no_independent_evidence() -> None:
    values = np.repeat(np.random.default_rng(1).normal(size=8), 10)
    apart, together = list(range(80)), [n // 10 for n in range(80)]
    assert width(values, together) > 2 * width(values, apart)


@pytest.mark.parametrize("number", [5, 40])
def test_the_interval_covers_the_truth(number: int) -> None:
    """Also of few blocks, where the plain percentile interval covers 84 to 89 %."""
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(300):
        blocks = np.repeat(np.arange(number), 4)
        values = rng.normal(size=number)[blocks] + rng.normal(size=len(blocks))
        table = np.stack([values, np.ones(len(values))], axis=1)
        _, low, high = interval(table, blocks.tolist(), mean, int(rng.integers(2**31)))
        covered += low <= 0 <= high
    assert 0.88 <= covered / 300 <= 0.99


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=30, max_size=60))
@settings(max_examples=25)
def test_numbers_of_clusters_do_not_matter(modes: list[tuple[int, int]]) -> None:
    held_out, _ = made(len(modes), 10, len(modes))
    ours, theirs = (np.array(each) for each in zip(*modes, strict=True))
    one = compare(side(ours), side(theirs), held_out, 42)
    turned = {1: "a", 0: "b"}
    assert compare(side(1 - ours, turned), side(1 - theirs, turned), held_out, 42) == one
