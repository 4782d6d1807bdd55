from typing import Any

import pandas as pd
import pytest

from tests.support.manifests import make_manifest
from trainer_job import fingerprint as module
from trainer_job.contract import RunDocument
from trainer_job.episodes import Manifest
from trainer_job.fingerprint import fingerprint
from trainer_job.patterns import Patterns


def manifest(**change: Any) -> Manifest:
    parts: dict[str, Any] = {"ids": [1], "labels": ["worn"], "digests": [123]}
    return make_manifest(**parts | change)


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
    one = fingerprint(document(), [manifest()], None)
    other = document(run={"name": "o", "uid": "v"}, asOf="2026-02-01T12:00:00Z")
    assert fingerprint(other, [manifest()], None) == one


@pytest.mark.parametrize(
    "parts",
    [
        {"features": {"set": "robust"}},
        {"model": {"clusters": 4}},
        {"model": {"algorithm": "wardKMeans"}},
        {"model": {"clusterRange": {"min": 2, "max": 5}}},
        {"model": {"seed": 1}},
        {"gates": {"minF1": 0.1}},
        {"gates": {"champion": {}}},
    ],
)
def test_changes_with_what_is_asked_for(parts: dict[str, Any]) -> None:
    one = fingerprint(document(), [manifest()], None)
    assert fingerprint(document(**parts), [manifest()], None) != one


@pytest.mark.parametrize("change", [{"digests": [124]}, {"labels": [None]}, {"ids": [2]}])
def test_changes_with_the_data(change: dict[str, Any]) -> None:
    one, other = manifest(), manifest(**change)
    prints = {fingerprint(document(), each, None) for each in ([one], [other], [one, other])}
    assert len(prints) == 3


def test_changes_with_the_reference_and_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    patterns = Patterns(pd.DataFrame(), "digest")
    prints = {fingerprint(document(), [manifest()], each) for each in (None, patterns)}
    monkeypatch.setattr(module, "__version__", "9.9.9")
    prints.add(fingerprint(document(), [manifest()], None))
    assert len(prints) == 3
