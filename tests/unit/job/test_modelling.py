import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.job.clustering.groups import columns, grouped, one_cloud
from trainer_job import modelling
from trainer_job.contract import ModelSpec
from trainer_job.errors import UnusableData
from trainer_job.holdout import Block, blocks
from trainer_job.novelty import FEWEST, Novelty, is_novel, spreads

ALGORITHMS = ("kmeans", "wardKMeans", "bisectingKMeans", "gaussianMixture")


def days(number: int) -> list[Block]:
    """Return blocks of three episodes each."""
    started = np.datetime64("2026-01-01", "us") + np.arange(number) // 3 * np.timedelta64(1, "D")
    return blocks(["m1"] * number, started)


def novelty(size: int, spec: ModelSpec, held: int = 0, seed: int = 0) -> Novelty:
    """Return the novelty of three groups of this size, with others of them held out."""
    table = grouped(3, size + held)
    # The first of each group are fitted on.
    place = np.arange(len(table)) % (size + held)
    training, rest = table[place < size], table[place >= size]
    fitted = modelling.fit(training, spec).clustering
    held_out = (rest, days(len(rest)))
    return modelling.novelty(fitted, training, days(len(training)), held_out, spec)


def test_a_given_number_is_taken() -> None:
    fitted = modelling.fit(grouped(3), ModelSpec(clusters=2))
    assert fitted.clustering.clusters == 2
    assert fitted.selection is None
    assert fitted.null is not None


def test_a_range_is_chosen_from() -> None:
    spec = ModelSpec.model_validate({"clusterRange": {"min": 2, "max": 4}})
    fitted = modelling.fit(grouped(3), spec)
    assert fitted.clustering.clusters == 3
    assert fitted.selection is not None
    assert [point.clusters for point in fitted.selection.curve] == [2, 3, 4]


@pytest.mark.parametrize("smallest", [1, 2])
def test_one_cluster_is_the_honest_answer_where_there_are_none(smallest: int) -> None:
    spec = ModelSpec.model_validate({"clusterRange": {"min": smallest, "max": 3}})
    fitted = modelling.fit(one_cloud(), spec)
    assert (fitted.clustering.clusters, fitted.null) == (1, None)


def test_more_clusters_than_episodes_are_refused() -> None:
    with pytest.raises(UnusableData, match="2 episodes are too few for 3 clusters"):
        modelling.fit(grouped(2, 1), ModelSpec())


def test_what_was_held_out_says_what_is_novel() -> None:
    found = novelty(20, ModelSpec(clusters=3), held=10)
    assert found.calibration == 30
    assert found.thresholds is not None
    assert found.rate is not None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_without_any_each_episode_is_left_out_once(algorithm: str) -> None:
    spec = ModelSpec.model_validate({"algorithm": algorithm, "clusters": 3})
    found = novelty(20, spec, held=9)  # one or two too few
    assert found.calibration == 60
    assert found.thresholds is not None
    assert len(found.thresholds) == 3
    # What is left out lies further from a centre than what it was fitted on.
    training = grouped(3, 29)[np.arange(87) % 29 < 20]
    fitted = modelling.fit(training, spec).clustering
    assert not is_novel(fitted.distances, fitted.modes, found.thresholds).all()
    assert min(found.thresholds) > np.median(fitted.distances)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_left_out_counts_for_the_mode_that_it_belongs_to(seed: int) -> None:
    """Clusters of a fit without a part are numbered as it happens."""
    rng = np.random.default_rng(seed)
    wide, narrow = rng.normal(0, 3, (20, 4)), rng.normal(90, 0.1, (20, 4))
    table = pd.DataFrame(np.vstack([wide, narrow]), columns=columns(1))
    spec = ModelSpec(clusters=2, seed=seed)
    fitted = modelling.fit(table, spec).clustering
    found = modelling.novelty(fitted, table, days(40), (table[:0], []), spec)
    assert found.thresholds is not None
    typical = spreads(fitted.distances, fitted.modes, 2)
    assert max(found.thresholds / typical) < 5


def test_few_episodes_offer_nothing() -> None:
    found = novelty(9, ModelSpec(clusters=3))
    assert found.calibration == 27 < FEWEST
    assert found.thresholds is None


def test_a_part_of_many_episodes_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modelling, "MOST_LEFT_OUT", 40)
    assert novelty(80, ModelSpec(clusters=3)).calibration == 40


@settings(max_examples=25)
@given(st.integers(2, 12), st.integers(1, 4), st.sampled_from(ALGORITHMS[:3]))
def test_tiny_tables_have_no_novelty_and_break_nothing(
    episodes: int, clusters: int, algorithm: str
) -> None:
    spec = ModelSpec.model_validate({"algorithm": algorithm, "clusters": min(clusters, episodes)})
    table = grouped(1, episodes)
    fitted = modelling.fit(table, spec).clustering
    found = modelling.novelty(fitted, table, days(episodes), (table[:0], []), spec)
    assert found.thresholds is None
    assert found.calibration <= episodes
