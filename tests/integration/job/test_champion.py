"""A version in service, and models that are to replace it: what is held out, and who is better."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.bench import Bench, comparison, decided, message
from tests.support.plant import START
from tests.support.trained import AS_OF
from trainer_job import features, reasons
from trainer_job.contract import Outcome, Result, RunDocument
from trainer_job.database.connection import Database
from trainer_job.evaluation.comparison import digest
from trainer_job.features import FeatureSet
from trainer_job.holdout import Rule, held_out
from trainer_job.moments import LEVEL
from trainer_job.registry import incumbents, lookup, packaging
from trainer_job.registry.incumbents import SALT_TAG

HELD = 0.4
"""Of 24 machine-days: far more than the five that a comparison needs, whatever the salt."""
WEEKS = {"lookback": "12d"}
DAY = timedelta(days=1)


@dataclass
class Service(Bench):
    """A database with twelve days of four failure modes on two machines, and a champion."""

    ids: list[int] = field(default_factory=list)

    def document(self, **parts: Any) -> RunDocument:
        """Return a run that is compared with the champion, but replaces nothing by itself."""
        champion = {"fraction": HELD, **parts.pop("champion", {})}
        parts["gates"] = {"champion": champion, **parts.get("gates", {})}
        parts["model"] = {"clusters": 4, **parts.get("model", {})}
        return super().document(**{"data": WEEKS, "promotion": {"policy": "Never"}, **parts})

    def trained_on(self, result: Result) -> set[int]:
        return set(self.episodes(result).index)

    def held_out(self, since: datetime, until: datetime) -> set[int]:
        """Return the episodes that the name's salt holds out, one by one."""
        with self.database.engine.connect() as connection:
            rows = connection.execute(text("SELECT id, machine, start_time FROM failures"))
            return {
                number
                for number, machine, start in rows
                if since <= start < until and held_out(self.name, machine, start, HELD)
            }

    def copy(self, alias: str, tags: dict[str, str], run_id: str | None = None) -> str:
        """Register the champion once more, by MLflow alone, and put that under an alias."""
        client = self.tracking().client
        champion = client.get_model_version_by_alias(self.name, "production")
        run = client.get_run(run_id or champion.run_id)
        source = f"{run.info.artifact_uri}/model"
        version = client.create_model_version(self.name, source, run.info.run_id, tags)
        client.set_registered_model_alias(self.name, alias, version.version)
        return str(version.version)


@pytest.fixture(scope="module")
def service(shared_database: Database, mlflow_server: str, undrawn: None) -> Service:
    service = Service(shared_database, mlflow_server, name="compared")
    service.ids = service.plant.days(12)
    return service


@pytest.fixture(scope="module")
def first(service: Service) -> Result:
    """The champion."""
    return service.run(promotion={"policy": "Automatic"})


@pytest.fixture(scope="module")
def second(service: Service, first: Result) -> Result:
    """A model of the same recipe, three days later."""
    return service.run(asOf=(AS_OF + 3 * DAY).isoformat())


def test_the_first_version_is_compared_with_nothing(service: Service, first: Result) -> None:
    assert decided(first) == (Outcome.PROMOTED, reasons.GATES_PASSED)
    assert first.decision is not None
    assert first.decision.champion is None
    client = service.tracking().client
    version = client.get_model_version_by_alias(service.name, "production")
    assert version.tags[lookup.HOLDOUT_TAG] == "0.4 of compared"


def test_nothing_that_is_held_out_is_fitted_on(service: Service, first: Result) -> None:
    held = service.held_out(AS_OF - 12 * DAY, AS_OF)
    assert first.data is not None
    assert first.data.held_out == len(held) > 20
    assert service.trained_on(first) == set(service.ids) - held
    assert first.data.episodes == len(service.ids) - len(held)
    # They are what the labels are compared on, since enough of them have one.
    assert first.model is not None
    assert first.model.f1_on == "Holdout"


def test_what_is_held_out_stays_so_in_another_window(
    service: Service, first: Result, second: Result
) -> None:
    held = service.held_out(AS_OF - 12 * DAY, AS_OF)
    assert service.trained_on(second) < service.trained_on(first)
    assert service.trained_on(second).isdisjoint(held)


def test_it_is_compared_on_what_neither_was_fitted_on(service: Service, second: Result) -> None:
    assert decided(second) == (Outcome.STAGED, reasons.PROMOTION_DISABLED)
    found = comparison(second)
    assert found is not None
    # The lookback of the comparison is its own: also days that the window has left behind.
    held = service.held_out(AS_OF - 27 * DAY, AS_OF)
    assert (found.measure, found.episodes, found.digest) == ("F1", len(held), digest([*held]))
    assert found.low <= found.difference == 0 <= found.high
    assert "No failure mode of version 1 that still occurs is lost" in message(second)


@pytest.mark.usefixtures("first")
def test_a_model_that_is_surely_worse_is_rejected(service: Service) -> None:
    # What it is in itself passes: two kinds instead of four.
    gates = {"minF1": 0, "structure": "Report"}
    result = service.run(model={"clusters": 2}, gates=gates)
    assert decided(result) == (Outcome.REJECTED, reasons.WORSE_THAN_CHAMPION)
    found = comparison(result)
    assert found is not None
    assert found.high < -0.05
    assert "surely worse by more than 0.05" in message(result)


@pytest.mark.usefixtures("first")
def test_a_model_that_must_be_better_is_rejected_where_it_is_as_good(service: Service) -> None:
    result = service.run(champion={"minImprovement": 0.01})
    assert decided(result) == (Outcome.REJECTED, reasons.NOT_BETTER)


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ("Promote", (Outcome.STAGED, reasons.PROMOTION_DISABLED)),
        ("Reject", (Outcome.REJECTED, reasons.INCONCLUSIVE)),
        ("Manual", (Outcome.STAGED, reasons.INCONCLUSIVE)),
    ],
)
def test_too_few_machine_days_are_what_the_spec_says(
    service: Service, then: str, expected: tuple[Outcome, str]
) -> None:
    result = service.run(champion={"lookback": "1d", "inconclusive": then})
    assert decided(result) == expected
    assert comparison(result) is None
    assert re.search(
        r"version 1 cannot be told: \d+ held-out episodes of \d+ machine-d", message(result)
    )
    assert f"inconclusive is {then}" in message(result)


def test_a_manual_decision_waits_and_promotes_nothing(service: Service, first: Result) -> None:
    result = service.run(
        champion={"lookback": "1d", "inconclusive": "Manual"}, promotion={"policy": "Automatic"}
    )
    assert decided(result) == (Outcome.STAGED, reasons.INCONCLUSIVE)
    assert first.model is not None
    assert service.alias() == first.model.version


def test_a_champion_of_another_holdout_cannot_be_compared(service: Service, first: Result) -> None:
    run = {lookup.RUN_TAG: first.run}
    for alias, tags in (("all", run), ("salted", run | {lookup.HOLDOUT_TAG: "0.4 of other"})):
        service.copy(alias, tags)
        result = service.run(promotion={"policy": "Never", "alias": alias})
        assert comparison(result) is None
        assert "it was not trained with these episodes held out" in message(result)


@pytest.mark.usefixtures("first")
def test_a_version_that_somebody_registered_by_hand_breaks_no_run(service: Service) -> None:
    number = service.copy("ours", {})
    result = service.run(promotion={"policy": "Automatic", "alias": "ours"})
    assert decided(result)[0] is Outcome.PROMOTED
    assert "it was not made by this trainer" in message(result)
    # No record tells of its promotion, and still it is the one that was replaced.
    assert result.decision is not None
    assert result.decision.champion is not None
    assert result.decision.champion.version == number


def test_a_champion_whose_files_are_gone_breaks_no_run(service: Service, first: Result) -> None:
    client = service.tracking().client
    empty = client.create_run(client.create_experiment(f"{service.name}-empty")).info.run_id
    service.copy("empty", {lookup.RUN_TAG: first.run, lookup.HOLDOUT_TAG: "0.4 of compared"}, empty)
    result = service.run(promotion={"policy": "Never", "alias": "empty"})
    assert decided(result)[0] is Outcome.STAGED
    assert "its model cannot be fetched" in message(result)


@pytest.mark.usefixtures("first")
def test_models_of_other_feature_sets_can_be_compared(service: Service) -> None:
    shapes = service.run(features={"set": "catch22"}, gates={"structure": "Report"})
    found = comparison(shapes)
    assert found is not None
    assert found.difference == pytest.approx(0, abs=0.2)
    assert shapes.model is not None
    client = service.tracking().client
    client.set_registered_model_alias(service.name, "shapes", shapes.model.version)
    levels = service.run(promotion={"policy": "Never", "alias": "shapes"})
    back = comparison(levels)
    assert back is not None
    assert back.difference == -found.difference
    assert back.digest == found.digest


@pytest.mark.usefixtures("first")
def test_machines_with_other_sensors_cannot_be_compared(service: Service) -> None:
    until = AS_OF - 40 * DAY
    service.plant.days(12, names=("n1", "n2"), sensors=("Fx", "Fy", "Other"), last=START - 40 * DAY)
    result = service.run(asOf=until.isoformat())
    assert decided(result)[0] is Outcome.STAGED
    assert "has every sensor of both" in message(result)


def test_a_new_salt_is_a_new_holdout(service: Service, first: Result) -> None:
    client = service.tracking().client
    client.set_registered_model_tag(service.name, SALT_TAG, "looked at too often")
    try:
        result = service.run()
    finally:
        client.delete_registered_model_tag(service.name, SALT_TAG)
    assert "it was not trained with these episodes held out" in message(result)
    assert service.trained_on(result) != service.trained_on(first)


@pytest.mark.usefixtures("first")
def test_a_champion_of_other_code_must_give_its_known_answers(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def model() -> tuple[bool, str]:
        found, salt = incumbents.find(service.tracking(), service.name, "production")
        assert found is not None
        assert (found.version, found.rule, salt) == ("1", Rule("compared", HELD), "compared")
        return found.model is not None, found.fault

    monkeypatch.setattr(packaging, "code_name", lambda: "failure_modes_of_another_release")
    assert model() == (True, "")
    names = ("mean", "std", "min", "max")
    other = FeatureSet(LEVEL, dict.fromkeys(names, lambda moments: moments["mean"] + 100))
    monkeypatch.setattr(features, "FEATURE_SETS", {"basic": other})
    usable, fault = model()
    assert not usable
    assert fault.startswith("this release answers otherwise than it does: episode ")


def test_a_name_without_versions_has_no_champion(service: Service) -> None:
    assert incumbents.find(service.tracking(), "nobody", "production") == (None, "nobody")
