"""How large a status gets."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.operator.builders import (
    NOW,
    SETTINGS,
    a_job,
    a_run,
    admitted,
    ended_pod,
    failure,
    result,
    running_pod,
    waiting_pod,
)
from trainer_job.contract import Progress, Stage, progress_line
from trainer_operator.observed import Observed
from trainer_operator.reconcile import decide
from trainer_operator.resources.bounds import MESSAGE, SENTENCE, cut

LIMIT = 32 * 1024
TEXT = st.text(st.characters(codec="utf-8")) | st.integers(0, 200_000).map(lambda size: "ß" * size)


def bytes_of(document: object) -> int:
    return len(json.dumps(document, ensure_ascii=False).encode())


@given(TEXT, st.integers(3, 5000))
def test_a_text_is_cut_by_bytes_and_once(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert len(short.encode()) <= limit
    assert cut(short, limit) == short
    if len(text.encode()) <= limit:
        assert short == text
    else:
        assert short.endswith("…")
        assert text.startswith(short[:-1])


@given(TEXT, st.integers(1, 100))
def test_whatever_pods_say_the_status_stays_small(text: str, attempts: int) -> None:
    line = "x" * 1_000_000
    shown = Progress(stage=Stage.READING, percent=1, message=text)
    run = a_run(status=admitted("Running", attempts=attempts))
    jobs = [
        a_job(*[ended_pod(1, text, log=(line,) * 50)] * attempts, failed="BackoffLimitExceeded"),
        a_job(ended_pod(69, failure("DatabaseUnavailable", text)), failed="BackoffLimitExceeded"),
        a_job(ended_pod(0, result("Rejected", decision=decided(text))), complete=True),
        a_job(running_pod(progress_line(shown))),
        a_job(waiting_pod("ImagePullBackOff", text)),
        a_job(refused=text),
    ]
    for job in jobs:
        plan = decide(Observed(run, train=job), NOW, SETTINGS)
        assert plan is not None
        status = plan.status
        assert len((status.message or "").encode()) <= MESSAGE
        assert all(len(each.message.encode()) <= SENTENCE for each in status.conditions)
        assert bytes_of(status.message) <= LIMIT
        assert len(json.dumps(status.to_json(), ensure_ascii=False).encode()) <= LIMIT


def decided(text: str) -> dict[str, str]:
    return {"outcome": "Rejected", "reason": "F1TooLow", "message": text}
