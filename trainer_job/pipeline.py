"""The train Job: episodes in, a judged and registered model out."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pandas as pd

from trainer_job import judging, modelling, reading, reasons, unchanged
from trainer_job.continuity import Continuity, assign_ids
from trainer_job.contract import (
    Champion,
    Comparison,
    DataSummary,
    Decision,
    Outcome,
    Result,
    RunDocument,
    Stage,
)
from trainer_job.database import ledger, records
from trainer_job.database.connection import Database, require_tables
from trainer_job.database.locks import run_lock
from trainer_job.database.source import PostgresEpisodes
from trainer_job.episodes import EpisodeSource
from trainer_job.evaluation import (
    Answer,
    Evidence,
    Inconclusive,
    LabelScore,
    Verdict,
    combine,
    judge,
    score_labels,
)
from trainer_job.features import FEATURE_SETS, episode_moments
from trainer_job.fingerprint import fingerprint
from trainer_job.holdout import Rule, blocks
from trainer_job.judging import Compared
from trainer_job.patterns import Patterns, names
from trainer_job.progress import Reporter, report
from trainer_job.promotion import promote, was_promoted
from trainer_job.reading import Found, Usable
from trainer_job.registry import incumbents
from trainer_job.registry.incumbents import Incumbent
from trainer_job.registry.register import register
from trainer_job.registry.tracking import Tracking
from trainer_job.report import profiles
from trainer_job.sample import representatives
from trainer_job.skips import too_few_complete, too_few_episodes
from trainer_job.trained import TrainedModel


@dataclass(frozen=True)
class Run:
    """What all stages of a run need.

    Attributes
    ----------
    document, database, tracking, progress, patterns
        As for :func:`train`.
    incumbent
        The version in service; None where there is none.
    rule
        Which episodes are held out; None where all are fitted on.
    """

    document: RunDocument
    database: Database
    tracking: Tracking
    progress: Reporter
    patterns: Patterns | None
    incumbent: Incumbent | None
    rule: Rule | None


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
        incumbent, salt = incumbents.find(
            tracking, document.model.registered_name, document.promotion.alias
        )
        if incumbent is not None and incumbent.run_uid == document.run.uid:
            incumbent = None  # an earlier attempt has promoted it: there is nothing to compare
        if incumbent and incumbent.model and not reading.computable(incumbent.model.feature_set):
            missing = f"its feature set {incumbent.model.feature_set} needs the package pycatch22"
            incumbent = replace(incumbent, model=None, fault=missing)
        champion = document.gates.champion
        rule = None if champion is None else Rule(salt, champion.fraction)
        run = Run(document, database, tracking, progress, patterns, incumbent, rule)
        # A connection that is lost takes its snapshot along: all is read again, and the same.
        fitted = database.again(lambda: _fit(run))
        result = fitted if isinstance(fitted, Result) else _register(run, fitted)
        return records.save_result(database, document.run, result)


def _fit(run: Run) -> TrainedModel | Result:
    """Return the fitted and judged model, or the result of a run that is skipped."""
    document = run.document
    sets: list[str] = [document.features.set]
    if run.incumbent is not None and run.incumbent.model is not None:
        sets.append(run.incumbent.model.feature_set)
    needs = dict.fromkeys(name for each in sets for name in FEATURE_SETS[each].needs)
    # Whichever of the two it is, catch22 has moments that the others know nothing of.
    richest = max(sets, key=lambda each: len(FEATURE_SETS[each].needs))
    report(run.progress, Stage.READING, 0)
    source = PostgresEpisodes(
        run.database,
        tuple(needs),
        document.data.rebuild,
        lambda readings, sensors: episode_moments(readings, sensors, richest),
    )
    with source:
        record = records.find(run.database, document.run.uid)
        found = reading.find(document, source, record, run.rule)
        if record is None and len(found.all):
            # Before anything is made of them: a later attempt uses the same.
            records.save(
                run.database,
                document.run,
                episodes=found.all.ids.tolist(),
                feature_hash=found.all.hash(),
                labels=found.all.labels.tolist(),
            )
        return _skip_early(run, found) or _model(run, source, found)


def _skip_early(run: Run, found: Found) -> Result | None:
    """Return the result of a run for which nothing needs to be computed."""
    data = run.document.data
    if len(found.training) < data.min_episodes:
        decision = too_few_episodes(len(found.training), found.held_out, data)
        return _skipped(run, found, decision)
    made_of = _made_of(run, found)
    decided = unchanged.find(run.database, run.document, made_of, run.incumbent)
    return None if decided is None else _skipped(run, found, decided)


def _model(run: Run, source: EpisodeSource, found: Found) -> TrainedModel | Result:
    document = run.document
    report(run.progress, Stage.FEATURES, 20, f"{len(found.training)} episodes.")
    used = reading.usable(source, found.training)
    if len(used.manifest) < document.data.min_episodes:
        decision = too_few_complete(
            len(used.manifest), len(found.training), used.coverage.lacking, document.data
        )
        return _skipped(run, found, decision)
    sensors, wanted = used.coverage.sensors, document.features.set
    features = FEATURE_SETS[wanted].transform(used.moments)
    report(run.progress, Stage.CLUSTERING, 40, _left_out(found, used))
    fitted = modelling.fit(features, document.model)
    report(run.progress, Stage.EVALUATING, 60)
    clustering = fitted.clustering
    held = judging.predict_held_out(
        found.compared, source.moments(found.compared.ids), sensors, wanted, clustering
    )
    labels = _score(used, held, fitted)
    called = _names(run, used, fitted, labels)
    goes_on, numbers = _ledger(run, used, fitted, features)
    comparison = _compare(run, held, sensors, labels)
    evidence = Evidence(
        silhouette=clustering.silhouette,
        sizes=tuple(int((clustering.modes == mode).sum()) for mode in range(clustering.clusters)),
        labels=labels,
        null=fitted.null,
        one_allowed=_one_allowed(document),
        champion=None if run.incumbent is None else run.incumbent.version,
        comparison=comparison,
        continuity=goes_on,
    )
    days = blocks(used.manifest.machines, used.manifest.started)
    held_days = blocks(held.manifest.machines, held.manifest.started)
    sample = reading.sample(source, representatives(clustering, used.manifest), sensors)
    return TrainedModel(
        sensors=sensors,
        feature_set=wanted,
        algorithm=document.model.algorithm,
        features=features,
        clustering=clustering,
        labels=labels,
        profiles=profiles(features, clustering, called),
        sample=sample,
        data=_summary(run, found, used),
        lookback_hours=(found.until - found.since) / timedelta(hours=1),
        true_labels=tuple(used.manifest.labels.tolist()),
        names=called,
        modes=numbers,
        selection=fitted.selection,
        null=fitted.null,
        novelty=modelling.novelty(
            clustering, features, days, (held.features, held_days), document.model
        ),
        comparison=comparison.rounded() if isinstance(comparison, Comparison) else None,
        verdicts=judge(evidence, document.gates),
        quality=reading.quality(document, source, found, used).table(),
        holdout=None if run.rule is None else str(run.rule),
    )


def _score(used: Usable, held: Compared, fitted: modelling.Fitted) -> LabelScore | None:
    clustering = fitted.clustering
    return score_labels(
        clustering.modes.tolist(),
        used.manifest.labels.tolist(),
        clustering.clusters,
        (held.modes.tolist(), held.manifest.labels.tolist()),
    )


def _names(
    run: Run, used: Usable, fitted: modelling.Fitted, labels: LabelScore | None
) -> dict[int, str]:
    """Return what clusters are called: by people's labels, and else by the reference file."""
    given = {} if labels is None else labels.names
    if run.patterns is None:
        return dict(given)
    modes, seed = fitted.clustering.modes, run.document.model.seed
    return names(run.patterns.resemblances(used.moments, modes, seed)) | given


def _ledger(
    run: Run, used: Usable, fitted: modelling.Fitted, features: pd.DataFrame
) -> tuple[Continuity | Inconclusive | None, tuple[int, ...]]:
    """Return what became of the champion's modes, and the number of each cluster's mode."""
    address, name = run.tracking.address, run.document.model.registered_name
    clusters, incumbent = fitted.clustering.clusters, run.incumbent
    goes_on: Continuity | Inconclusive | None = None
    if incumbent is not None:
        made_by = incumbent.run_uid
        ids = None if made_by is None else ledger.find(run.database, address, name, made_by)
        kept = np.flatnonzero(used.coverage.complete)
        goes_on = judging.what_became(incumbent, ids, used.every, kept, fitted.clustering, features)
    matches = goes_on.matches if isinstance(goes_on, Continuity) else (None,) * clusters
    numbers = ledger.enter(
        run.database,
        address,
        name,
        run.document.run.uid,
        lambda free: assign_ids(matches, free)[0],
    )
    return goes_on, numbers


def _compare(
    run: Run, held: Compared, sensors: tuple[str, ...], labels: LabelScore | None
) -> Comparison | Inconclusive | None:
    if run.rule is None or run.incumbent is None:
        return None
    called = {} if labels is None else labels.names
    seed = run.document.model.seed
    return judging.against_champion(held, called, run.rule, run.incumbent, sensors, seed)


def _one_allowed(document: RunDocument) -> bool:
    spec = document.model
    if spec.cluster_range is not None:
        return spec.cluster_range.min == 1
    return spec.number == 1


def _register(run: Run, trained: TrainedModel) -> Result:
    """Register the model, and promote it where nobody else does."""
    document = run.document
    verdict = combine(trained.verdicts)
    decision = _decide(document, verdict)
    if not document.staged and was_promoted(run.database, run.tracking, document):
        # By an earlier attempt: only its result is missing.
        decision = Decision(
            outcome=Outcome.STAGED, reason=reasons.GATES_PASSED, message=verdict.message
        )
    if run.incumbent is not None:
        champion = Champion(version=run.incumbent.version, comparison=trained.comparison)
        decision = decision.model_copy(update={"champion": champion})
    report(run.progress, Stage.REGISTERING, 75)
    where = str(run.database.settings)
    model = register(run.tracking, document, trained, decision, where)
    if decision.reason == reasons.GATES_PASSED:
        report(run.progress, Stage.PROMOTING, 90, f"Version {model.version}.")
        because = (reasons.GATES_PASSED, verdict.message)
        promoted = promote(run.database, run.tracking, document, model, trained.profiles, because)
        decision = _with_champion(promoted, decision)
    return Result(run=document.run.uid, data=trained.data, model=model, decision=decision)


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


def _left_out(found: Found, used: Usable) -> str:
    count, total = len(found.training) - len(used.manifest), len(found.training)
    if not count:
        return ""
    return f"{count} of {total} episodes left out: they lack a sensor that most episodes have."


def _skipped(run: Run, found: Found, decision: Decision) -> Result:
    data = _summary(run, found, None)
    return Result(run=run.document.run.uid, data=data, decision=decision)


def _made_of(run: Run, found: Found) -> str:
    return fingerprint(run.document, [found.all, found.compared], run.patterns)


def _summary(run: Run, found: Found, used: Usable | None) -> DataSummary:
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
        fingerprint=_made_of(run, found),
    )
