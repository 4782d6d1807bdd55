"""The limit of runs that go on at the same time in a namespace."""

from collections.abc import Iterable
from datetime import datetime

from trainer_operator import reasons
from trainer_operator.models import Phase, TrainingRun
from trainer_operator.observed import Observed
from trainer_operator.reconcile.plan import Plan, going_on
from trainer_operator.settings import Settings


def queue(observed: Observed, now: datetime, settings: Settings) -> Plan | None:
    """Return the plan of a run that has to wait for others, None where it may be admitted."""
    limit = settings.max_concurrent_runs
    if limit is None or observed.ahead == 0:
        return None
    # Without its place: each run that ends would have all that wait written anew.
    why = reasons.QUEUED.because(limit=limit)
    return going_on(observed.run.status, Phase.QUEUED, why)


def ahead(run: TrainingRun, runs: Iterable[TrainingRun], limit: int | None) -> int:
    """Return how many runs have to end, or to be held, before a run may be admitted.

    Those that wait come one after the other by their creation. What rests until somebody
    changes its spec takes no place.

    Parameters
    ----------
    run
        One that was not admitted.
    runs
        Those of its namespace, with or without itself.
    limit
        How many may go on; any number if None.
    """
    if limit is None:
        return 0
    others = [each for each in runs if each.uid != run.uid]
    going_on = sum(_goes_on(each) for each in others)
    earlier = sum(_waits(each) and _place(each) < _place(run) for each in others)
    return max(0, going_on + earlier + 1 - limit)


def _goes_on(run: TrainingRun) -> bool:
    phase = run.status.phase
    resting = phase is not None and (phase.finished or phase.resting)
    return run.status.as_of is not None and not resting


def _waits(run: TrainingRun) -> bool:
    phase = run.status.phase
    finished = phase is not None and phase.finished
    held = run.spec.suspend or run.deleting or run.invalid is not None
    return run.status.as_of is None and not finished and not held


def _place(run: TrainingRun) -> tuple[datetime, str]:
    return run.created, run.uid
