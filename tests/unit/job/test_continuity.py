from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_job.continuity import FEWEST_EPISODES, Continuity, assign_ids, counted, follow


def followed(*groups: tuple[int, int, int], old: int = 2, new: int = 2, **parts: Any) -> Continuity:
    """Follow modes 70, 71, ... of which so many episodes (last) go to a new cluster (second)."""
    modes = np.array([(a, b) for a, b, n in groups for _ in range(n)], dtype=np.int64).reshape(
        -1, 2
    )
    return follow(modes[:, 0], modes[:, 1], [70 + n for n in range(old)], new, **parts)


def test_a_mode_goes_on_where_its_episodes_do() -> None:
    found = followed((0, 1, 9), (1, 0, 9), (0, 0, 1))
    assert found.matches == (71, 70)
    assert found.episodes == {70: 10, 71: 9}
    assert found.lost == found.split == found.merged == found.dormant == ()


def test_half_of_both_is_enough_and_less_is_not() -> None:
    assert followed((0, 0, 5), (1, 0, 2), (0, 1, 3), (1, 1, 20)).matches == (70, 71)
    found = followed((0, 0, 5), (1, 0, 3), (0, 1, 3), (1, 1, 20))
    assert found.matches == (None, 71)


def test_a_mode_in_several_clusters_is_split() -> None:
    found = followed((0, 0, 4), (0, 1, 4), (0, 2, 4), (1, 3, 9), new=4)
    assert found.matches == (None, None, None, 71)
    assert (found.split, found.lost, found.merged) == ((70,), (), ())


def test_a_mode_that_a_larger_one_swallows_is_merged() -> None:
    found = followed((0, 0, 6), (1, 0, 20), new=1)
    assert found.matches == (71,)
    assert (found.merged, found.lost, found.split) == ((70,), (), ())


def test_a_mode_that_is_scattered_over_others_is_lost() -> None:
    found = followed((0, 0, 2), (0, 1, 2), (0, 2, 2), (1, 0, 9), (2, 1, 9), (3, 2, 9), old=4, new=3)
    assert found.matches == (71, 72, 73)
    assert (found.lost, found.merged, found.split) == ((70,), (), ())


@pytest.mark.parametrize(("number", "dormant"), [(0, True), (4, True), (5, False)])
def test_a_mode_that_hardly_occurs_is_dormant(number: int, dormant: bool) -> None:
    found = followed((0, 0, number), (1, 0, 30), new=1)
    assert (found.dormant, found.merged) == (((70,), ()) if dormant else ((), (70,)))


def test_few_episodes_may_go_on_all_the_same() -> None:
    found = followed((0, 0, 2), (1, 1, 9))
    assert (found.matches, found.dormant) == ((70, 71), ())


def test_without_recent_episodes_all_is_new() -> None:
    found = followed()
    assert (found.matches, found.dormant) == ((None, None), (70, 71))


def test_centroids_break_ties() -> None:
    halves = [(0, 0, 6), (0, 1, 6)]
    near: dict[str, Any] = {"distances": np.array([[1.0, 0.2], [5, 5]])}
    far: dict[str, Any] = {"distances": np.array([[0.2, 1.0], [5, 5]])}
    assert followed(*halves, **near).matches == (None, 70)
    assert followed(*halves, **far).matches == (70, None)
    assert followed(*halves, **near).split == ()  # one reaches the overlap of a half


def test_centroids_do_not_outweigh_episodes() -> None:
    found = followed((0, 0, 7), (0, 1, 6), distances=np.array([[9.0, 0.0], [5, 5]]))
    assert found.matches == (70, None)


episodes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=60)


@given(episodes, st.permutations(range(4)), st.permutations(range(5)), st.booleans(), st.data())
def test_numbers_of_clusters_do_not_matter(
    drawn: list[tuple[int, int]], old: list[int], new: list[int], placed: bool, data: st.DataObject
) -> None:
    ids = np.array([3, 8, 5, 13])
    modes = np.array(drawn, dtype=np.int64).reshape(-1, 2)
    numbers = st.lists(st.integers(0, 3), min_size=20, max_size=20)
    gaps = np.array(data.draw(numbers), dtype=float).reshape(4, 5) if placed else None
    one = follow(modes[:, 0], modes[:, 1], ids.tolist(), 5, gaps)
    moved = None if gaps is None else gaps[np.argsort(old)][:, np.argsort(new)]
    turned_old, turned_new = np.array(old)[modes[:, 0]], np.array(new)[modes[:, 1]]
    other = follow(turned_old, turned_new, ids[np.argsort(old)].tolist(), 5, moved)
    assert tuple(other.matches[new[cluster]] for cluster in range(5)) == one.matches
    for fate in ("lost", "split", "merged", "dormant", "episodes"):
        assert getattr(other, fate) == getattr(one, fate)


@given(episodes)
def test_every_mode_has_one_fate_at_most_and_only_large_ones_can_be_lost(
    drawn: list[tuple[int, int]],
) -> None:
    modes = np.array(drawn, dtype=np.int64).reshape(-1, 2)
    found = follow(modes[:, 0], modes[:, 1], [3, 8, 5, 13], 5)
    on = [match for match in found.matches if match is not None]
    gone = [*found.lost, *found.split, *found.merged]
    fates = [*on, *gone, *found.dormant]
    assert len(set(fates)) == len(fates)
    assert all(found.episodes[mode] >= 5 for mode in gone)
    assert all(found.episodes[mode] < 5 for mode in found.dormant)


def test_new_modes_get_ids_that_were_never_used() -> None:
    assert assign_ids([None, 4, None], 9) == ((9, 4, 10), 11)
    assert assign_ids([None, None], 0) == ((0, 1), 2)
    assert assign_ids([2, 0], 3) == ((2, 0), 3)


@pytest.mark.parametrize("matches", [[4, 4], [9]])
def test_ids_that_cannot_be_are_refused(matches: list[int]) -> None:
    with pytest.raises(ValueError, match="distinct ids below 9"):
        assign_ids(matches, 9)


@given(st.lists(st.lists(st.none() | st.integers(0, 9), max_size=6), max_size=8))
def test_an_id_is_never_used_again(generations: list[list[int | None]]) -> None:
    """Whatever goes on from one model to the next, in a whole history of them."""
    next_id, alive = 0, set[int]()
    ever = set[int]()
    for drawn in generations:
        seen = set[int]()
        matches = [m if m in alive and m not in seen and not seen.add(m) else None for m in drawn]  # type: ignore[func-returns-value]
        ids, next_id = assign_ids(matches, next_id)
        fresh = {n for n, match in zip(ids, matches, strict=True) if match is None}
        assert not fresh & ever
        assert len(set(ids)) == len(ids)
        alive, ever = set(ids), ever | set(ids)


def test_what_is_unlike_a_mode_that_occurs_is_not_counted_to_it() -> None:
    old = np.repeat([0, 1, 2], [7, 7, 3])
    unlike = np.array([False] * 5 + [True] * 2 + [False] * 4 + [True] * 3 + [True] * 3)
    # Five of the first are like it, four of the second: that one may have drifted.
    assert counted(old, unlike).tolist() == [True] * 5 + [False] * 2 + [True] * 10


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=60))
def test_no_mode_that_occurs_is_counted_away(episodes: list[tuple[int, bool]]) -> None:
    old = np.array([mode for mode, _ in episodes], dtype=np.int64)
    unlike = np.array([odd for _, odd in episodes], dtype=bool)
    kept = counted(old, unlike)
    assert kept[~unlike].all()
    for mode in set(old.tolist()):
        assert kept[old == mode].sum() >= min((old == mode).sum(), FEWEST_EPISODES)
