"""An Event tells of each change of phase."""

import re

from tests.unit.operator.builders import NOW, a_job, a_run, admitted, look, running_pod
from trainer_operator.events import transition


def test_a_change_of_phase_is_told() -> None:
    run = a_run()
    plan = look(run)
    event = transition(run, plan.status, plan.reason, NOW)
    assert event is not None
    assert event["reason"] == "Admitted"
    assert event["type"] == "Normal"
    assert event["message"].startswith("Pending: ")
    assert event["involvedObject"]["uid"] == run.uid
    assert event["metadata"]["namespace"] == "plant"


def test_progress_is_not_an_event() -> None:
    run = a_run(status=admitted("Running"))
    plan = look(run, train=a_job(running_pod()))
    assert transition(run, plan.status, plan.reason, NOW) is None


def test_a_failure_is_a_warning_and_its_note_fits() -> None:
    run = a_run(status=admitted("Running"))
    failed = run.status.model_copy(update={"phase": "Failed", "message": "x" * 2000})
    plan = look(run, train=a_job(failed="DeadlineExceeded"))
    event = transition(run, plan.status, plan.reason, NOW)
    assert event is not None
    assert event["type"] == "Warning"
    long = transition(a_run(), failed, "Reason", NOW)
    assert long is not None
    assert len(long["message"]) == 1024


def test_the_name_of_an_event_is_one_also_where_the_runs_is_cut() -> None:
    run = a_run(name="a" * 199 + ".b-cdef")
    event = transition(run, look(run).status, "Admitted", NOW)
    assert event is not None
    assert re.fullmatch(r"a{199}\.[0-9a-f]{16}", event["metadata"]["name"])
