"""The train Job: episodes in, a judged and registered model out."""

from datetime import timedelta

from trainer_job import clustering, reasons
from trainer_job.contract import DataSummary, Decision, Outcome, Result, RunDocument, Stage
from trainer_job.coverage import cover
from trainer_job.database import records
from trainer_job.database.connection import Database, require_tables
from trainer_job.database.locks import run_lock
from trainer_job.database.records import RunRecord
from trainer_job.episodes import EpisodeSource, Manifest, PostgresEpisodes
from trainer_job.errors import UnusableData
from trainer_job.evaluation import Evidence, Verdict, evaluate
from trainer_job.evaluation.matching import LabelMatch, match
from trainer_job.features import features_from_moments
from trainer_job.fingerprint import fingerprint
from trainer_job.patterns import Patterns
from trainer_job.progress import Reporter, report
from trainer_job.promotion import champion, promote
from trainer_job.registry.register import register
from trainer_job.registry.tracking import Tracking
from trainer_job.report import profiles
from trainer_job.sample import representatives
from trainer_job.skips import too_few_complete, too_few_episodes
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
        Known failure modes of a reference file; they count where no episode has a label.

    Raises
    ------
    JobError
        If the run cannot be decided.
    """
    require_tables(database)
    run = document.run

    def waiting() -> None:
        report(progress, Stage.READING, 0, "Another attempt of this run is at work: waiting.")

    with run_lock(database, run.uid, waiting=waiting):
        record = records.find(database, run.uid)
        if record is not None and record.result is not None:
            return record.result
        with PostgresEpisodes(database) as source:
            report(progress, Stage.READING, 0)
            manifest = _manifest(document, source, record)
            if record is None and manifest.episodes:
                # Before anything is made of them: a later attempt uses the same.
                values = {"episodes": list(manifest.ids), "feature_hash": manifest.hash()}
                records.save(database, run, **values)
            fitted = _fit(document, source, manifest, progress, patterns)
        if isinstance(fitted, Result):
            result = fitted
        else:
            result = _register(document, database, tracking, progress, fitted)
        records.save_result(database, run, result)
        return result


def _manifest(document: RunDocument, source: EpisodeSource, record: RunRecord | None) -> Manifest:
    """Return the window's episodes, or those of the run's first attempt."""
    if record is None or record.episodes is None:
        return source.manifest(*document.data.window(document.as_of), document.data.machines)
    manifest = source.recorded(record.episodes)
    if manifest.hash() != record.feature_hash:
        raise UnusableData(
            reasons.DATA_CHANGED,
            f"Readings of the {len(record.episodes)} episodes of this run were changed, added or "
            "deleted since its first attempt, and a run is decided on one state of the data. "
            "Apply a new run.",
        )
    return manifest


def _fit(
    document: RunDocument,
    source: EpisodeSource,
    manifest: Manifest,
    progress: Reporter,
    patterns: Patterns | None,
) -> TrainedModel | Result:
    """Return the fitted model, or the result of a run that is skipped."""
    data, feature_set = document.data, document.features.set
    if len(manifest.episodes) < data.min_episodes:
        return _skipped(document, manifest, too_few_episodes(len(manifest.episodes), data))
    report(progress, Stage.FEATURES, 20, f"{len(manifest.episodes)} episodes.")
    moments = source.moments(manifest.ids)
    coverage = cover(moments, manifest.ids)
    used = manifest.only(coverage.episodes)
    if len(used.episodes) < data.min_episodes:
        total = len(manifest.episodes)
        decision = too_few_complete(len(used.episodes), total, coverage.lacking, data)
        return _skipped(document, used, decision)
    features = features_from_moments(moments, used.ids, coverage.sensors, feature_set)
    report(progress, Stage.CLUSTERING, 40, _left_out(manifest, used))
    fit = clustering.fit(features, document.model.clusters, document.model.seed)
    report(progress, Stage.EVALUATING, 60)
    known = _match(document, used, fit, coverage.sensors, patterns)
    sample = source.readings(representatives(fit, used))
    since, until = document.data.window(document.as_of)
    return TrainedModel(
        sensors=coverage.sensors,
        feature_set=feature_set,
        features=features,
        clustering=fit,
        match=known,
        profiles=profiles(features, fit, {} if known is None else known.names),
        sample=sample[["episode", "timestamp", *coverage.sensors]],
        data=_summary(document, used, fingerprint(document, used, patterns)),
        lookback_hours=(until - since) / timedelta(hours=1),
    )


def _match(
    document: RunDocument,
    manifest: Manifest,
    fit: clustering.Clustering,
    sensors: tuple[str, ...],
    patterns: Patterns | None,
) -> LabelMatch | None:
    """Match clusters to the episodes' labels, or to known patterns where there are none."""
    modes = [int(mode) for mode in fit.modes]
    labels = [episode.label for episode in manifest.episodes]
    if patterns is not None and not any(labels):
        modes, labels = patterns.find(fit.pipeline, sensors, document.features.set)
    return match(modes, labels, document.model.clusters)


def _register(
    document: RunDocument,
    database: Database,
    tracking: Tracking,
    progress: Reporter,
    trained: TrainedModel,
) -> Result:
    """Judge and register the model, and promote it where nobody else does."""
    verdict = evaluate(Evidence(trained.clustering.silhouette, trained.match), document.gates)
    decision = _decide(document, verdict)
    name, alias = document.model.registered_name, document.promotion.alias
    decision = decision.model_copy(update={"champion": champion(tracking, name, alias)})
    report(progress, Stage.REGISTERING, 75)
    model = register(tracking, document, trained, decision)
    if decision.reason == reasons.GATES_PASSED:
        report(progress, Stage.PROMOTING, 90, f"Version {model.version}.")
        because = (reasons.GATES_PASSED, verdict.message)
        decision = promote(database, tracking, document, model, trained.profiles, because)
    return Result(run=document.run.uid, data=trained.data, model=model, decision=decision)


def _decide(document: RunDocument, verdict: Verdict) -> Decision:
    """Return what the gates and the policy say; a model that passed them is staged so far."""
    if not verdict.passed:
        return Decision(outcome=Outcome.REJECTED, reason=verdict.reason, message=verdict.message)
    if document.promotion.policy == "Never":
        reason, then = reasons.PROMOTION_DISABLED, "spec.promotion.policy is Never."
    elif document.staged:
        reason, then = reasons.AWAITING_ROLLOUT, "Every gate passed; it is rolled out next."
    else:
        reason, then = reasons.GATES_PASSED, "Every gate passed."
    return Decision(outcome=Outcome.STAGED, reason=reason, message=f"{verdict.message} {then}")


def _left_out(manifest: Manifest, used: Manifest) -> str:
    count, total = len(manifest.episodes) - len(used.episodes), len(manifest.episodes)
    if not count:
        return ""
    return f"{count} of {total} episodes left out: they lack a sensor that most episodes have."


def _skipped(document: RunDocument, manifest: Manifest, decision: Decision) -> Result:
    return Result(run=document.run.uid, data=_summary(document, manifest), decision=decision)


def _summary(
    document: RunDocument, manifest: Manifest, fingerprint: str | None = None
) -> DataSummary:
    since, until = document.data.window(document.as_of)
    return DataSummary(
        episodes=len(manifest.episodes),
        readings=sum(episode.readings for episode in manifest.episodes),
        machines=len({episode.machine for episode in manifest.episodes}),
        since=since,
        until=until,
        fingerprint=fingerprint,
    )
