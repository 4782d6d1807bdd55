from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from trainer_job import fingerprint as module
from trainer_job.contract import RunDocument
from trainer_job.episodes import Episode, Manifest
from trainer_job.fingerprint import fingerprint
from trainer_job.patterns import Patterns

EPISODE = Episode(1, "m", datetime(2026, 1, 31, tzinfo=UTC), "worn", 5, "123")


def document(**parts: Any) -> RunDocument:
    return RunDocument.model_validate(
        {
            "run": {"name": "n", "uid": "u"},
            "asOf": "2026-01-31T12:00:00Z",
            "tracking": {"uri": "http://mlflow:5000"},
            **parts,
        }
    )


def test_is_the_same_for_another_run_of_the_same() -> None:
    one = fingerprint(document(), Manifest((EPISODE,)), None)
    other = document(run={"name": "o", "uid": "v"}, asOf="2026-02-01T12:00:00Z")
    assert fingerprint(other, Manifest((EPISODE,)), None) == one


@pytest.mark.parametrize(
    "parts",
    [
        {"features": {"set": "robust"}},
        {"model": {"clusters": 4}},
        {"model": {"seed": 1}},
        {"gates": {"minF1": 0.1}},
    ],
)
def test_changes_with_what_is_asked_for(parts: dict[str, Any]) -> None:
    manifest = Manifest((EPISODE,))
    assert fingerprint(document(**parts), manifest, None) != fingerprint(document(), manifest, None)


@pytest.mark.parametrize("change", [{"digest": "124"}, {"label": None}, {"id": 2}])
def test_changes_with_the_data(change: dict[str, Any]) -> None:
    one, other = Manifest((EPISODE,)), Manifest((replace(EPISODE, **change),))
    assert fingerprint(document(), one, None) != fingerprint(document(), other, None)


def test_changes_with_the_reference_and_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = Manifest((EPISODE,))
    patterns = Patterns(pd.DataFrame(), "digest")
    prints = {fingerprint(document(), manifest, each) for each in (None, patterns)}
    monkeypatch.setattr(module, "__version__", "9.9.9")
    prints.add(fingerprint(document(), manifest, None))
    assert len(prints) == 3
