"""The result as the kubelet carries it: never more than 4,096 bytes of UTF-8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from trainer_job.contract import (
    RESULT_LIMIT,
    Champion,
    Decision,
    Failure,
    ModelSummary,
    Outcome,
    Result,
    decode_result,
    encode_result,
)

MODEL = ModelSummary(
    name="n" * 200, version="12", run_id="a" * 32, uri="models:/n/12", clusters=3, f1=0.82
)
# Everything that UTF-8 holds, control characters and the four-byte ones too.
texts = st.text(st.characters(codec="utf-8"), max_size=9000)


def decided(message: str) -> Result:
    decision = Decision(
        outcome=Outcome.STAGED,
        reason="AwaitingRollout",
        message=message,
        champion=Champion(version="11"),
    )
    return Result(run="uid", model=MODEL, decision=decision)


@given(texts)
def test_fits_and_keeps_all_but_the_end_of_its_sentence(message: str) -> None:
    line = encode_result(decided(message))
    assert len(line.encode()) <= RESULT_LIMIT
    assert "\n" not in line
    read = decode_result(line)
    assert read.decision is not None
    shortened = read.decision.message
    assert message.startswith(shortened.removesuffix("…"))
    assert read == decided(shortened)


@given(texts.filter(lambda text: len(text) < 300))
def test_short_sentences_are_left_alone(message: str) -> None:
    result = Result(run="uid", failure=Failure(reason="R", message=message))
    assert decode_result(encode_result(result)) == result


def test_a_long_sentence_uses_most_of_the_room() -> None:
    for sign in ("x", "é", "🔧", '"'):
        line = encode_result(decided(sign * 6000))
        assert RESULT_LIMIT - 200 < len(line.encode()) <= RESULT_LIMIT


def test_says_when_even_the_figures_do_not_fit() -> None:
    with pytest.raises(ValueError, match="without its message, 100 are kept"):
        encode_result(decided("long"), limit=100)


def test_a_result_is_a_decision_or_a_failure() -> None:
    failure = Failure(reason="R", message="m")
    with pytest.raises(ValidationError, match="either a decision or a failure"):
        Result(run="uid")
    with pytest.raises(ValidationError, match="either a decision or a failure"):
        decided("m").model_validate({**decided("m").to_json(), "failure": failure.to_json()})


@pytest.mark.parametrize("text", ["", "{", '{"run":"uid"}', encode_result(decided("m"))[:-1]])
def test_a_part_of_a_result_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's own words
        decode_result(text)
