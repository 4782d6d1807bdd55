"""Runs that follow each other: modes that go on, data that did not change, windows that widen."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.bench import Bench, comparison, decided, message
from tests.support.interrupted import Killed, die, interrupted
from tests.support.plant import START
from tests.support.trained import AS_OF
from trainer_job import reasons
from trainer_job.contract import Outcome, Result
from trainer_job.database import ledger
from trainer_job.database.connection import Database

DAY = timedelta(days=1)
WEEKS = {"lookback": "10d"}
FOUR = {"clusters": 4}
THREE = {"clusters": 3}
COMPARED = {"champion": {"fraction": 0.4}}
STRICT = {"continuity": {"lost": "Reject"}}


def numbers(bench: Bench, result: Result) -> tuple[int, ...]:
    """Return the numbers of a model's modes, by the ledger."""
    found = ledger.find(bench.database, bench.tracking().address, bench.name, result.run)
    assert found is not None
    return found


def names(bench: Bench, result: Result) -> list[str]:
    """Return what the model itself calls its modes."""
    parameters = bench.artifact(result, "model/data/data/parameters.json")
    called: list[str] = json.loads(parameters.read_text())["names"]
    return called


class Story:
    """Four unlabelled modes, of which one ceases and comes back."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        # Of two equal halves each would be the same as the whole.
        bench.plant.days(10, labelled=False, modes=(0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3))
        self.first = self.run(gates=COMPARED)
        self.again = self.run(gates=COMPARED)
        self.merged = self.run(model=THREE, promotion={"policy": "Never"})
        # The last mode does not occur any more.
        self.later = {"asOf": (AS_OF + 20 * DAY).isoformat()}
        bench.plant.days(10, labelled=False, modes=(0, 1, 2), last=START + 20 * DAY, seed=1)
        self.dormant = self.run(model=THREE, **self.later)
        bench.plant.days(10, 2, labelled=False, modes=(3,), last=START + 20 * DAY, seed=2)
        self.back = self.run(**self.later)

    def run(self, **parts: Any) -> Result:
        return self.bench.run(**{"data": WEEKS, "model": FOUR, "gates": STRICT, **parts})


@pytest.fixture(scope="module")
def story(shared_database: Database, mlflow_server: str, undrawn: None) -> Story:
    return Story(Bench(shared_database, mlflow_server, name="continued"))


def test_modes_of_the_first_model_are_numbered(story: Story) -> None:
    assert decided(story.first) == (Outcome.PROMOTED, reasons.GATES_PASSED)
    assert numbers(story.bench, story.first) == (0, 1, 2, 3)
    assert names(story.bench, story.first) == ["mode 0", "mode 1", "mode 2", "mode 3"]


def test_modes_of_the_same_data_keep_numbers_and_names(story: Story) -> None:
    assert decided(story.again)[0] is Outcome.PROMOTED
    assert numbers(story.bench, story.again) == numbers(story.bench, story.first)
    assert names(story.bench, story.again) == names(story.bench, story.first)
    assert "No failure mode of version 1 that still occurs is lost" in message(story.again)


def test_without_labels_the_separation_is_compared(story: Story) -> None:
    found = comparison(story.again)
    assert found is not None
    assert (found.measure, found.difference) == ("Separation", 0)


def test_modes_that_are_merged_are_rejected_where_none_may_be_lost(story: Story) -> None:
    assert decided(story.merged) == (Outcome.REJECTED, reasons.MODES_LOST)
    assert "is merged with another" in message(story.merged)
    assert "spec.gates.continuity.lost is Reject" in message(story.merged)


def test_a_mode_that_does_not_occur_is_not_lost(story: Story) -> None:
    assert decided(story.dormant)[0] is Outcome.PROMOTED
    found = numbers(story.bench, story.dormant)
    assert len(found) == 3
    assert set(found) < set(numbers(story.bench, story.first))


def test_a_number_is_never_given_again(story: Story) -> None:
    assert decided(story.back)[0] is Outcome.PROMOTED
    before = (story.first, story.merged, story.dormant)
    given = {number for result in before for number in numbers(story.bench, result)}
    found = set(numbers(story.bench, story.back))
    assert found >= set(numbers(story.bench, story.dormant))
    # The model in service knew nothing of the mode that came back.
    (new,) = found - set(numbers(story.bench, story.dormant))
    assert new > max(given)


@pytest.fixture
def bench(database: Database, mlflow_server: str, undrawn: None) -> Bench:
    return Bench(database, mlflow_server)


def test_what_was_trained_on_before_is_not_trained_on_again(bench: Bench) -> None:
    ids = bench.plant.modes(12)
    skip = {"unchangedData": "Skip"}
    first = bench.run(gates=skip)
    second = bench.run(gates=skip)
    assert decided(second) == (Outcome.SKIPPED, reasons.UNCHANGED_DATA)
    assert first.model is not None
    assert first.data is not None
    assert second.data is not None
    assert f"version {first.model.version}, which is in service" in message(second)
    assert (second.model, second.data.fingerprint) == (None, first.data.fingerprint)
    # It is the fingerprint of the run before the last one, since that one made nothing.
    assert decided(bench.run(gates=skip))[0] is Outcome.SKIPPED
    change = "UPDATE trainer.episode_labels SET label = 'torn' WHERE failure = :id"
    bench.plant.change(change, id=ids[0])
    assert decided(bench.run(gates=skip))[0] is Outcome.PROMOTED
    assert decided(bench.run(gates={"unchangedData": "Train"}))[0] is Outcome.PROMOTED


def test_a_promotion_whose_result_was_lost_is_not_judged_by_itself(bench: Bench) -> None:
    bench.plant.days(10, labelled=False)
    bench.run(data=WEEKS, model=FOUR, gates=COMPARED)
    document = bench.document(data=WEEKS, model=FOUR, gates=COMPARED)
    # Right after the commit, the version's page is brought up to date.
    dying = interrupted(bench.tracking(document), "update_model_version", die)
    with pytest.raises(Killed):
        bench.train(document, tracking=dying)
    promoted = bench.alias()
    result = bench.train(document)
    assert decided(result) == (Outcome.PROMOTED, reasons.GATES_PASSED)
    assert result.model is not None
    assert result.decision is not None
    assert result.decision.champion is not None
    assert result.decision.champion.version == "1"
    (version,) = bench.versions(document)
    assert str(version.version) == result.model.version == promoted == "2"
    assert numbers(bench, result) == (0, 1, 2, 3)
    assert bench.plant.counts()["promotions"] == 2


@pytest.mark.parametrize(
    ("wanted", "at_most", "found"), [(2, "5h", 2), (5, "5h", 5), (50, "5h", 10), (50, "90d", 18)]
)
def test_a_thin_window_is_widened(bench: Bench, wanted: int, at_most: str, found: int) -> None:
    half_an_hour = timedelta(minutes=30)
    for number in range(18):
        bench.plant.episode([{"a": number}], start=AS_OF - half_an_hour * (number + 1))
    extend = {"episodes": wanted, "atMost": at_most}
    # To be skipped is enough: the window is found before anything is trained.
    result = bench.run(data={"minEpisodes": 100, "extendUntil": extend})
    assert decided(result) == (Outcome.SKIPPED, reasons.TOO_FEW_EPISODES)
    assert result.data is not None
    assert result.data.episodes == found
    assert result.data.since == AS_OF - half_an_hour * found


def test_a_widened_window_stays_what_it_was_for_later_attempts(bench: Bench) -> None:
    bench.plant.days(3, names=("m1",), labelled=False)
    data = {"lookback": "1h", "extendUntil": {"episodes": 20, "atMost": "30d"}}
    document = bench.document(data=data, model=FOUR)
    with pytest.raises(Killed):
        bench.train(document, tracking=interrupted(bench.tracking(document), "create_run", die))
    with bench.database.engine.connect() as connection:
        recorded = connection.execute(text("SELECT episodes FROM trainer.training_runs")).scalar()
    result = bench.train(document)
    assert result.data is not None
    assert recorded is not None
    assert (result.data.episodes, len(recorded)) == (20, 20)
    oldest = "SELECT min(start_time) FROM failures WHERE id = ANY (:ids)"
    with bench.database.engine.connect() as connection:
        assert result.data.since == connection.execute(text(oldest), {"ids": recorded}).scalar()
