from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, f1_score, v_measure_score

from trainer_job.evaluation import LabelScore, score_labels
from trainer_job.evaluation.labels import enough
from trainer_job.evaluation.matching import Labels, Modes, match

KNOWN = ["worn", "worn", "loose", "loose", None]
MODES = [1, 1, 0, 0, 0]


def found(
    modes: Modes, labels: Labels, clusters: int, held_out: tuple[Modes, Labels] = ((), ())
) -> LabelScore:
    score = score_labels(modes, labels, clusters, held_out)
    assert score is not None
    return score


def many(right: int, wrong: int) -> tuple[list[int], list[str | None]]:
    """Return held-out episodes: `right` of each label where the training has it, others not."""
    pairs = [(1, "worn"), (0, "loose")] * right + [(0, "worn"), (1, "loose")] * wrong
    return [mode for mode, _ in pairs], [label for _, label in pairs]


@pytest.mark.parametrize(
    ("labels", "answer"),
    [
        (["a"] * 15 + ["b"] * 15, True),
        (["a"] * 25 + ["b"] * 5, True),
        (["a"] * 14 + ["b"] * 15 + [None] * 9, False),
        (["a"] * 40 + ["b"] * 4, False),
        ([None] * 40, False),
        ([], False),
    ],
)
def test_thirty_held_out_episodes_and_five_a_label_are_enough(
    labels: list[str | None], answer: bool
) -> None:
    assert enough(labels) is answer


def test_held_out_episodes_are_scored_with_the_names_of_the_training() -> None:
    score = found(MODES, KNOWN, 2, many(12, 4))
    assert (score.on, score.episodes, score.labels) == ("Holdout", 32, 2)
    assert score.names == {1: "worn", 0: "loose"}
    assert score.f1 == pytest.approx(0.75)
    assert score.table.to_numpy().tolist() == [[12, 4], [4, 12]]
    assert list(score.table.index) == ["loose", "worn"]


def test_names_that_were_learnt_wrongly_are_not_mended_on_the_holdout() -> None:
    score = found(MODES, KNOWN, 2, many(0, 16))
    assert score.f1 == 0
    assert (score.ari, score.v_measure) == (1, 1)


def test_too_few_held_out_episodes_leave_the_training_to_be_scored() -> None:
    score = found(MODES, KNOWN, 2, many(14, 0))
    assert (score.on, score.f1, score.episodes) == ("Training", 1, 4)


def test_without_labels_in_the_training_there_are_no_names_to_score() -> None:
    assert score_labels(MODES, [None] * 5, 2, many(20, 0)) is None


def test_a_label_that_the_training_never_saw_is_missed() -> None:
    modes, labels = many(15, 0)
    score = found(MODES, KNOWN, 2, (modes + [1] * 5, labels + ["jammed"] * 5))
    worn = 2 * 15 / (15 + 20)
    assert score.f1 == pytest.approx((1 + worn + 0) / 3)
    assert score.best_possible < 1


episodes = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", "c", None])), min_size=1, max_size=50
)


@given(episodes, episodes)
def test_the_scores_are_those_of_scikit_learn(
    trained: list[tuple[int, str | None]], others: list[tuple[int, str | None]]
) -> None:
    modes, labels = zip(*trained, strict=True)
    held = tuple(list(part) for part in zip(*others, strict=True))
    score = score_labels(modes, labels, 4, (held[0], held[1]))
    known = match(modes, labels, 4)
    if score is None or known is None:
        assert not any(labels)
        return
    scored = others if score.on == "Holdout" else trained
    pairs = [(mode, label) for mode, label in scored if label is not None]
    true, given = [label for _, label in pairs], [mode for mode, _ in pairs]
    called = [known.names.get(mode, "none") for mode in given]
    expected = f1_score(true, called, labels=sorted(set(true)), average="macro")
    assert score.f1 == pytest.approx(expected)
    assert score.ari == pytest.approx(adjusted_rand_score(true, given))
    assert score.v_measure == pytest.approx(v_measure_score(true, given))
    if score.on == "Training":
        assert score.f1 == pytest.approx(known.f1)


@given(episodes, st.permutations(range(4)))
def test_numbers_of_clusters_do_not_matter(
    drawn: list[tuple[int, str | None]], order: list[int]
) -> None:
    modes, labels = zip(*drawn, strict=True)
    one = match(modes, labels, 4)
    other = match([order[mode] for mode in modes], labels, 4)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        called = [one.names.get(mode) for mode in modes]
        agree = sum(a == b is not None for a, b in zip(called, labels, strict=True))
        moved = [other.names.get(order[mode]) for mode in modes]
        assert sum(a == b is not None for a, b in zip(moved, labels, strict=True)) == agree


def test_every_cluster_has_a_column() -> None:
    score = found([0, 0], ["a", "b"], 3)
    assert score.table.shape == (2, 3)
    assert [tuple(row) for row in product("ab", repeat=1)] == [(n,) for n in score.table.index]
    assert np.isfinite([score.ari, score.v_measure]).all()
