"""The promote Job: a version is promoted once the predictor has answered with it, rightly."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from trainer_job import reasons
from trainer_job.contract import Outcome, PromoteTask, Result, RunDocument, Stage
from trainer_job.database.connection import Database
from trainer_job.errors import BadConfiguration, JobError, Unavailable, UnusableData
from trainer_job.progress import Reporter, report
from trainer_job.promotion import Terms, promote, was_promoted
from trainer_job.registry import staged
from trainer_job.registry.golden import first_difference
from trainer_job.registry.tracking import Tracking

PATIENCE = 45.0
"""Seconds for which the Service may not answer, or may still lead to pods of another version.

Less than the minute that a pod has at least, so that it can say what was wrong."""

_TIMEOUT = (5.0, 20.0)
_PAUSE = 0.5


def prove_and_promote(
    document: RunDocument, database: Database, tracking: Tracking, progress: Reporter
) -> Result:
    """Prove the staged version in service where somebody serves it, then promote it.

    What an earlier attempt has promoted is not proven again: it answers as that attempt would
    have, had it not been killed before.

    Parameters
    ----------
    document
        With `promote` set: the version, and where it serves.
    database, tracking
        The authority, and the registry.
    progress
        Told where the run is.

    Raises
    ------
    UnusableData
        If the predictor answers wrongly with this version, or goes on answering with another.
    Unavailable
        If it does not answer in time.
    BadConfiguration
        If the version does not exist, or another run made it and nobody named it.
    """
    task = document.promote
    if task is None:
        raise BadConfiguration(
            reasons.INVALID_CONFIGURATION, "The run document says nothing of what to promote."
        )
    where = f"Asking {task.url} for" if task.url else "Looking for"
    report(progress, Stage.PROVING, 0, f"{where} version {task.version}.")
    found = staged.find(tracking, document, task.version, named=bool(task.explicit))
    if task.url is None:
        report(progress, Stage.PROMOTING, 50, f"Nobody is asked for version {task.version}.")
    elif was_promoted(database, tracking, document):
        report(progress, Stage.PROMOTING, 50, f"Version {task.version} was proven before.")
    else:
        Proof(task.url, task.version, found.golden).wait()
        report(progress, Stage.PROMOTING, 50, f"Version {task.version} answers rightly.")
    decision = promote(
        *(database, tracking, document, found.model, found.profiles),
        _because(task, len(found.golden["answers"])),
        _terms(task),
    )
    report(progress, Stage.PROMOTING, 100, decision.message)
    return Result(run=document.run.uid, model=found.model, decision=decision)


def _because(task: PromoteTask, episodes: int) -> tuple[str, str]:
    if task.outcome == "NotServing":
        return reasons.NOT_SERVING, (
            "The predictor is scaled to 0, so nobody was asked. Before it serves, scale it up and "
            f"prove it by a new run with spec.source.modelVersion: {task.version!r}."
        )
    if task.url is None:
        return (
            reasons.GATES_PASSED,
            "Every gate passed, it was approved, and no predictor is named.",
        )
    return reasons.PROVEN, (
        f"The predictor answered {episodes} known episodes rightly with version {task.version}."
    )


def _terms(task: PromoteTask) -> Terms:
    outcome = Outcome(task.outcome) if task.outcome else Outcome.PROMOTED
    return Terms(outcome, bool(task.explicit), task.expected)


@dataclass(frozen=True)
class Proof:
    """Asks a predictor for episodes whose answers are known.

    Attributes
    ----------
    url, version
        Base URL of the Service, and the version that must answer.
    golden
        :func:`trainer_job.registry.golden.make`.
    patience, sleep, clock
        Bound of the wait, and seams for tests.
    """

    url: str
    version: str
    golden: dict[str, Any]
    patience: float = PATIENCE
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    def wait(self) -> None:
        """Ask until the answers are right.

        Pods that became ready a moment ago, or that are just leaving, make the Service refuse
        or answer with the version before: only an answer of this very version is final.

        Raises
        ------
        UnusableData, Unavailable
            The last fault, when it is final or the time is over.
        """
        end = self.clock() + self.patience
        while True:
            fault, final = self._fault()
            if fault is None:
                return
            if final or self.clock() + _PAUSE > end:
                raise fault
            self.sleep(_PAUSE)

    def _fault(self) -> tuple[JobError | None, bool]:
        """Ask once; return what is wrong, and whether it stays so."""
        try:
            answer = requests.post(
                f"{self.url.rstrip('/')}/invocations", json=self.golden["request"], timeout=_TIMEOUT
            )
        except requests.RequestException as error:
            return self._unreachable(f"does not answer: {error}"), False
        if answer.status_code >= 500:
            return self._unreachable(f"answers {answer.status_code}: {answer.text[:300]}"), False
        if answer.status_code != 200:
            return self._wrong(f"answers {answer.status_code}: {answer.text[:300]}"), False
        return self._judge(answer)

    def _judge(self, answer: requests.Response) -> tuple[JobError | None, bool]:
        try:
            predictions = answer.json()["predictions"]
            versions = {str(each["model_version"]) for each in predictions}
        except (ValueError, KeyError, TypeError):
            return self._wrong(f"does not answer as our models do: {answer.text[:300]}"), False
        if versions != {self.version}:
            names = ", ".join(sorted(versions)) or "none"
            return self._wrong(f"answers with version {names}, not {self.version}"), False
        difference = first_difference(self.golden["answers"], predictions)
        return (self._wrong(f"answers wrongly: {difference}") if difference else None), True

    def _unreachable(self, what: str) -> Unavailable:
        return Unavailable(
            reasons.PREDICTOR_UNREACHABLE,
            f"The predictor at {self.url} {what}. Check spec.predictor.service, its port, and the "
            "pods behind it.",
        )

    def _wrong(self, what: str) -> UnusableData:
        return UnusableData(
            reasons.WRONG_PREDICTIONS,
            f"Version {self.version} is not proven: asked for {len(self.golden['answers'])} known "
            f"episodes, the predictor at {self.url} {what}. It must serve the version of its "
            "annotation training.sensors.dev/model-version, by the model's own code.",
        )
