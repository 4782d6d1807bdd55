import pytest

from trainer_job import reasons
from trainer_job.contract import Champion, Decision, ModelSummary, Outcome, Result
from trainer_job.registry.incumbents import Incumbent
from trainer_job.unchanged import decide


def result(outcome: Outcome, champion: str | None = None) -> Result:
    model = ModelSummary(name="n", version="3", run_id="r", uri="models:/n/3", clusters=3)
    before = None if champion is None else Champion(version=champion)
    decision = Decision(outcome=outcome, reason="Some", message="Told.", champion=before)
    return Result(run="earlier", model=model, decision=decision)


SERVING = Incumbent("3", run_uid="earlier")
OTHER = Incumbent("2", run_uid="another")


@pytest.mark.parametrize("outcome", [Outcome.PROMOTED, Outcome.STAGED])
def test_what_is_in_service_is_not_made_again(outcome: Outcome) -> None:
    decision = decide(result(outcome), SERVING)
    assert decision is not None
    assert (decision.outcome, decision.reason) == (Outcome.SKIPPED, reasons.UNCHANGED_DATA)
    assert "version 3, which is in service" in decision.message
    assert "spec.gates.unchangedData" in decision.message


@pytest.mark.parametrize(("champion", "serving"), [(None, None), ("2", OTHER)])
def test_what_was_rejected_would_be_again(champion: str | None, serving: Incumbent | None) -> None:
    decision = decide(result(Outcome.REJECTED, champion), serving)
    assert decision is not None
    assert "version 3 was made of exactly this, and Rejected" in decision.message


@pytest.mark.parametrize(
    ("before", "serving"),
    [
        (result(Outcome.PROMOTED), OTHER),
        (result(Outcome.PROMOTED), None),
        (result(Outcome.STAGED), OTHER),
        (result(Outcome.SUPERSEDED), OTHER),
        (result(Outcome.REJECTED, "1"), OTHER),
        (result(Outcome.REJECTED), OTHER),
        (Result(run="earlier", decision=result(Outcome.SKIPPED).decision), SERVING),
    ],
)
def test_what_may_fare_better_now_is_made_again(before: Result, serving: Incumbent | None) -> None:
    assert decide(before, serving) is None
