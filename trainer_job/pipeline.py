"""The train Job: episodes in, a judged and registered model out."""

from trainer_job import reading, reasons, unchanged
from trainer_job.building import build
from trainer_job.contract import (
    Champion,
    Decision,
    Outcome,
    Result,
    RunDocument,
    Stage,
)
from trainer_job.database import records
from trainer_job.database.connection import Database, require_tables
from trainer_job.database.locks import run_lock
from trainer_job.database.source import PostgresEpisodes
from trainer_job.evaluation import Answer, Verdict, combine
from trainer_job.features import FEATURE_SETS, episode_moments
from trainer_job.patterns import Patterns
from trainer_job.progress import Reporter, report
from trainer_job.promotion import promote, was_promoted
from trainer_job.reading import Found
from trainer_job.registry.register import register
from trainer_job.registry.tracking import Tracking
from trainer_job.run import Material, Run, material, prepare, skipped
from trainer_job.skips import too_few_episodes
from trainer_job.trained import TrainedModel


def train(
    document: RunDocument,
    database: Database,
    tracking: Tracking,
    progress: Reporter,
    patterns: Patterns | None = None,
) -> Result:
    """Decide a run, or return how an earlier attempt decided it.

    Parameters
    ----------
    document
        The run's whole configuration.
    database, tracking
        Where the episodes are, and where the model goes; both answer.
    progress
        Told where the run is.
    patterns
        Known failure modes of a reference file, which name clusters that nobody has labelled.

    Raises
    ------
    JobError
        If the run cannot be decided.
    """
    require_tables(database)
    reading.require(document.features.set)

    def waiting() -> None:
        report(progress, Stage.READING, 0, "Another attempt of this run is at work: waiting.")

    with run_lock(database, document.run.uid, waiting=waiting):
        record = records.find(database, document.run.uid)
        if record is not None and record.result is not None:
            return record.result

        def attempt() -> tuple[Run, TrainedModel | Result]:
            run = prepare(document, database, tracking, progress, patterns)
            return run, _fit(run)

        # A connection that is lost takes its snapshot along: all is read again, and the same.
        run, fitted = database.again(attempt)
        result = fitted if isinstance(fitted, Result) else _register(run, fitted)
        return records.save_result(database, document.run, result)


def _fit(run: Run) -> TrainedModel | Result:
    """Return the fitted and judged model, or the result of a run that is skipped."""
    report(run.progress, Stage.READING, 0)
    with _episodes(run) as source:
        found = reading.find(run.document, source, run.record, run.rule)
        if run.record is None and len(found.all):
            _record(run, found)
        made_of = material(run, found)
        return _skip_early(run, made_of) or build(run, source, made_of)


def _episodes(run: Run) -> PostgresEpisodes:
    """Return the source of the moments that the model and the version in service need."""
    sets: list[str] = [run.document.features.set]
    if run.incumbent is not None and run.incumbent.model is not None:
        sets.append(run.incumbent.model.feature_set)
    needs = dict.fromkeys(name for each in sets for name in FEATURE_SETS[each].needs)
    # Whichever of the two it is, catch22 has moments that the others know nothing of.
    richest = max(sets, key=lambda each: len(FEATURE_SETS[each].needs))
    return PostgresEpisodes(
        run.database,
        tuple(needs),
        run.document.data.rebuild,
        lambda readings, sensors: episode_moments(readings, sensors, richest),
    )


def _record(run: Run, found: Found) -> None:
    """Write down what the run is decided on, before anything is made of it.

    A later attempt uses the same, whatever was labelled, closed or promoted meanwhile.
    """
    records.save(
        run.database,
        run.document.run,
        episodes=found.all.ids.tolist(),
        feature_hash=found.all.hash(),
        labels=found.all.labels.tolist(),
        compared=found.compared.ids.tolist(),
        compared_hash=found.compared.hash(),
        compared_labels=found.compared.labels.tolist(),
        salt=run.salt,
        champion=None if run.incumbent is None else run.incumbent.version,
    )


def _skip_early(run: Run, made_of: Material) -> Result | None:
    """Return the result of a run for which nothing needs to be computed."""
    data, found = run.document.data, made_of.found
    if len(found.training) < data.min_episodes:
        decision = too_few_episodes(len(found.training), found.held_out, data)
        return skipped(run, made_of, decision)
    decided = unchanged.find(run.database, run.document, made_of.fingerprint, run.incumbent)
    return None if decided is None else skipped(run, made_of, decided)


def _register(run: Run, trained: TrainedModel) -> Result:
    """Register the model, and promote it where nobody else does."""
    document = run.document
    verdict = combine(trained.verdicts)
    decision = _judged(run, trained, verdict)
    report(run.progress, Stage.REGISTERING, 75)
    where = str(run.database.settings)
    model = register(run.tracking, document, trained, decision, where)
    if decision.reason == reasons.GATES_PASSED:
        report(run.progress, Stage.PROMOTING, 90, f"Version {model.version}.")
        because = (reasons.GATES_PASSED, verdict.message)
        promoted = promote(run.database, run.tracking, document, model, trained.profiles, because)
        decision = _with_champion(promoted, decision)
    return Result(run=document.run.uid, data=trained.data, model=model, decision=decision)


def _judged(run: Run, trained: TrainedModel, verdict: Verdict) -> Decision:
    """Return the decision before anything is registered, with the version in service."""
    document = run.document
    decision = _decide(document, verdict)
    if not document.staged and was_promoted(run.database, run.tracking, document):
        # By an earlier attempt: only its result is missing.
        decision = Decision(
            outcome=Outcome.STAGED, reason=reasons.GATES_PASSED, message=verdict.message
        )
    if run.incumbent is None:
        return decision
    champion = Champion(version=run.incumbent.version, comparison=trained.comparison)
    return decision.model_copy(update={"champion": champion})


def _with_champion(promoted: Decision, judged: Decision) -> Decision:
    """Return a promotion with the version that was compared, where that is the one replaced.

    The records know nothing of a version that somebody else had put in service.
    """
    before, compared = promoted.champion, judged.champion
    if compared is None or (before is not None and before.version != compared.version):
        return promoted
    return promoted.model_copy(update={"champion": compared})


def _decide(document: RunDocument, verdict: Verdict) -> Decision:
    """Return what the gates and the policy say; a model that passed them is staged so far."""
    if verdict.answer is Answer.FAILED:
        return Decision(outcome=Outcome.REJECTED, reason=verdict.reason, message=verdict.message)
    if verdict.answer is Answer.MANUAL:
        reason, then = verdict.reason, "It stays staged until somebody decides."
    elif document.promotion.policy == "Never":
        reason, then = reasons.PROMOTION_DISABLED, "spec.promotion.policy is Never."
    elif document.staged:
        reason, then = reasons.AWAITING_ROLLOUT, "Every gate passed; it is rolled out next."
    else:
        reason, then = reasons.GATES_PASSED, "Every gate passed."
    return Decision(outcome=Outcome.STAGED, reason=reason, message=f"{verdict.message} {then}")
