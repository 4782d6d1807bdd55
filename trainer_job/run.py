"""What all stages of a training run share: the one state on which the run is decided."""

from dataclasses import dataclass, replace

from trainer_job import reading
from trainer_job.contract import DataSummary, Decision, Result, RunDocument
from trainer_job.database import records
from trainer_job.database.connection import Database
from trainer_job.database.records import RunRecord
from trainer_job.fingerprint import fingerprint
from trainer_job.holdout import Rule
from trainer_job.patterns import Patterns
from trainer_job.progress import Reporter
from trainer_job.reading import Found, Usable
from trainer_job.registry import incumbents
from trainer_job.registry.incumbents import Incumbent
from trainer_job.registry.tracking import Tracking


@dataclass(frozen=True)
class Run:
    """What all stages of a run need.

    Attributes
    ----------
    document, database, tracking, progress, patterns
        As for :func:`trainer_job.pipeline.train`.
    record
        What the first attempt has written; None in the first attempt.
    incumbent
        The version in service that is not the run's own; None where there was none.
    salt
        Decides, with the champion gate's fraction, which episodes are held out.
    """

    document: RunDocument
    database: Database
    tracking: Tracking
    progress: Reporter
    patterns: Patterns | None
    record: RunRecord | None
    incumbent: Incumbent | None
    salt: str

    @property
    def rule(self) -> Rule | None:
        """Which episodes are held out; None where all are fitted on."""
        champion = self.document.gates.champion
        return None if champion is None else Rule(self.salt, champion.fraction)


@dataclass(frozen=True)
class Material:
    """The episodes of a run.

    Attributes
    ----------
    found
        All, those to fit on, and those to compare on.
    fingerprint
        Of all that the model is made of.
    """

    found: Found
    fingerprint: str


def prepare(
    document: RunDocument,
    database: Database,
    tracking: Tracking,
    progress: Reporter,
    patterns: Patterns | None,
) -> Run:
    """Find what an earlier attempt has written, and the version to compare with."""
    record = records.find(database, document.run.uid)
    incumbent, salt = _incumbent(document, tracking, record)
    if incumbent and incumbent.model and not reading.computable(incumbent.model.feature_set):
        missing = f"its feature set {incumbent.model.feature_set} needs the package pycatch22"
        incumbent = replace(incumbent, model=None, fault=missing)
    return Run(document, database, tracking, progress, patterns, record, incumbent, salt)


def material(run: Run, found: Found) -> Material:
    """Return the episodes with the fingerprint of what is made of them."""
    made_of = fingerprint(run.document, [found.all, found.compared], run.patterns)
    return Material(found, made_of)


def skipped(run: Run, material: Material, decision: Decision) -> Result:
    """Return the result of a run that makes no model."""
    return Result(run=run.document.run.uid, data=summary(material), decision=decision)


def summary(material: Material, used: Usable | None = None) -> DataSummary:
    """Return what was read, and of that what was `used`; all that may be fitted on without it."""
    found = material.found
    part = found.training if used is None else used.manifest
    return DataSummary(
        episodes=len(part),
        readings=int(part.readings.sum()),
        machines=len(set(part.machines)),
        since=found.since,
        until=found.until,
        excluded=len(found.training) - len(part),
        held_out=found.held_out,
        unusable=int(found.all.unusable.sum()),
        fingerprint=material.fingerprint,
    )


def _incumbent(
    document: RunDocument, tracking: Tracking, record: RunRecord | None
) -> tuple[Incumbent | None, str]:
    """Return the version to compare with and the salt.

    The salt is that of the first attempt where it is known, and so is the version where that in
    service now is the run's own.
    """
    name = document.model.registered_name
    incumbent, salt = incumbents.find(tracking, name, document.promotion.alias)
    first = record if record is not None and record.salt is not None else None
    if first is not None and first.salt is not None:
        salt = first.salt
    if incumbent is not None and incumbent.run_uid == document.run.uid:
        # An earlier attempt has promoted it. Where another run promoted a version meanwhile, it is
        # that one which would be replaced.
        incumbent = incumbents.recorded(tracking, name, first.champion if first else None)
    return incumbent, salt
