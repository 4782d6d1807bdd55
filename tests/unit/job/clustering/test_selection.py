from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.job.clustering.groups import grouped, one_cloud
from trainer_job.clustering import selection
from trainer_job.clustering.selection import CurvePoint, best, choose, stability


def point(
    clusters: int, silhouette: float, error: float = 0.02, candidate: bool = True
) -> CurvePoint:
    return CurvePoint(clusters, silhouette, error, 0.1, 0.9, 0.5, 10, candidate)


points = st.lists(
    st.builds(point, st.integers(2, 20), st.floats(-1, 1), st.floats(0, 0.3), st.booleans()),
    unique_by=(lambda each: each.clusters, lambda each: each.silhouette),
    max_size=8,
)


@given(points, st.data())
def test_the_smallest_that_is_as_good_as_the_best(
    curve: list[CurvePoint], data: st.DataObject
) -> None:
    chosen = best(curve)
    assert best(data.draw(st.permutations(curve))) == chosen
    known = {
        each.clusters: (each.silhouette or 0.0, each.silhouette_error or 0.0)
        for each in curve
        if each.candidate
    }
    if not known:
        assert chosen is None
        return
    top, error = max(known.values())
    assert chosen == min(c for c, (score, _) in known.items() if score >= top - error)


def test_better_by_less_than_an_error_is_no_reason_for_more_clusters() -> None:
    assert best([point(2, 0.30), point(3, 0.39), point(4, 0.40)]) == 3
    assert best([point(2, 0.30), replace(point(3, 0.39), candidate=False), point(4, 0.40)]) == 4
    assert best([]) is None


@pytest.mark.parametrize("algorithm", ["kmeans", "wardKMeans"])
def test_finds_the_number_of_groups(algorithm: str) -> None:
    found = choose(grouped(groups=4, apart=2.5), algorithm, 3, 5, 42)
    assert found.chosen == 4
    assert [each.clusters for each in found.curve] == [3, 4, 5]
    (right,) = [each for each in found.curve if each.clusters == 4]
    assert right.candidate
    assert right.smallest_cluster == 20
    assert right.stability == pytest.approx(1.0)
    assert right.silhouette is not None
    assert right.null_p95 is not None
    assert right.silhouette > right.null_p95
    assert found.runner_up != 4


def test_without_groups_there_is_no_number_unless_one_is_allowed() -> None:
    cloud = one_cloud(size=40)
    assert choose(cloud, "kmeans", 2, 3, 42).chosen is None
    assert choose(cloud, "kmeans", 1, 2, 42).chosen == 1


def test_one_odd_episode_is_no_failure_mode() -> None:
    table = grouped(groups=1, size=40)
    table.iloc[0] += 1000.0
    (two,) = choose(table, "kmeans", 2, 2, 42).curve
    assert two.smallest_cluster == 1
    assert two.silhouette is not None
    assert two.silhouette > 0.9
    assert not two.candidate


def test_numbers_that_the_episodes_do_not_allow_are_not_tried() -> None:
    table = grouped(groups=2, size=3)
    assert [each.clusters for each in choose(table, "kmeans", 2, 50, 42).curve] == [2, 3, 4, 5]
    assert choose(table.head(2), "kmeans", 2, 8, 42).curve == ()
    assert choose(table.head(1), "kmeans", 1, 8, 42).chosen == 1


def test_many_episodes_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "SAMPLE", 45)
    found = choose(grouped(size=40), "kmeans", 3, 3, 42)
    assert (found.episodes, found.chosen) == (45, 3)


def test_clear_groups_are_found_again_and_a_cloud_is_not() -> None:
    clear = stability(grouped().to_numpy(), "kmeans", 3, 0)
    blurred = stability(np.random.default_rng(0).normal(size=(60, 16)), "kmeans", 3, 0)
    assert clear == pytest.approx(1.0)
    assert blurred < 0.8
