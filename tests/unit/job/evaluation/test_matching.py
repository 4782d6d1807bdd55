from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from trainer_job.evaluation.matching import LabelMatch, best_possible_f1, match

pairs = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=40
)


def found(modes: list[int], labels: list[str | None], clusters: int) -> LabelMatch:
    result = match(modes, labels, clusters)
    assert result is not None
    return result


def test_numbers_of_clusters_do_not_matter() -> None:
    result = found([2, 2, 0, 0, 1], ["a", "a", "b", "b", "c"], 3)
    assert result.f1 == 1
    assert result.names == {2: "a", 0: "b", 1: "c"}
    assert (result.labels, result.episodes) == (3, 5)


def test_without_labels_there_is_no_match() -> None:
    assert match([0, 1], [None, None], 2) is None


def test_episodes_without_a_label_are_left_out() -> None:
    result = found([0, 0, 1, 1], ["a", None, "b", None], 2)
    assert (result.f1, result.episodes) == (1, 2)


@given(pairs)
def test_f1_is_the_one_that_scikit_learn_gives_for_the_same_names(
    drawn: list[tuple[int, str]],
) -> None:
    modes = [mode for mode, _ in drawn]
    labels = [label for _, label in drawn]
    result = found(modes, list(labels), 3)
    named = [result.names.get(mode, "none") for mode in modes]
    expected = f1_score(labels, named, labels=sorted(set(labels)), average="macro")
    assert result.f1 == pytest.approx(expected)


@given(pairs)
def test_no_other_names_agree_with_more_episodes(drawn: list[tuple[int, str]]) -> None:
    result = found([mode for mode, _ in drawn], [label for _, label in drawn], 3)
    agreeing = sum(result.names.get(mode) == label for mode, label in drawn)
    best = max(sum(names[mode] == label for mode, label in drawn) for names in permutations("abc"))
    assert agreeing == best


def test_a_label_that_no_episode_of_a_cluster_has_is_not_its_name() -> None:
    result = found([0, 0, 0], ["a", "a", "b"], 2)
    assert result.names == {0: "a"}
    assert result.f1 == pytest.approx((2 * 2 / (2 * 2 + 1)) / 2)


@pytest.mark.parametrize(
    ("counts", "clusters", "best"),
    [
        ({"a": 5, "b": 5, "c": 5}, 3, 1.0),
        ({"a": 5, "b": 5, "c": 5}, 4, 1.0),
        ({"a": 6, "b": 4, "c": 2}, 2, (1 + 12 / 14) / 3),
        ({"a": 6, "b": 4, "c": 2}, 1, (12 / 18) / 3),
    ],
)
def test_fewer_clusters_than_labels_bound_f1(
    counts: dict[str, int], clusters: int, best: float
) -> None:
    assert best_possible_f1(Counter(counts), clusters) == pytest.approx(best)


@given(pairs, st.integers(1, 3))
def test_no_clustering_passes_the_bound(drawn: list[tuple[int, str]], clusters: int) -> None:
    modes = [mode % clusters for mode, _ in drawn]
    result = found(modes, [label for _, label in drawn], clusters)
    assert result.f1 <= result.best_possible + 1e-12
