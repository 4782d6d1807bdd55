"""From the episodes of a run to a fitted and judged model."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from trainer_job import judging, modelling, reading
from trainer_job.continuity import Continuity, assign_ids
from trainer_job.contract import Comparison, Result, RunDocument, Stage
from trainer_job.database import ledger
from trainer_job.episodes import EpisodeSource, Manifest
from trainer_job.evaluation import Evidence, Inconclusive, LabelScore, judge, score_labels
from trainer_job.features import FEATURE_SETS
from trainer_job.holdout import Block, blocks
from trainer_job.judging import Compared
from trainer_job.modelling import Fitted
from trainer_job.novelty import Novelty
from trainer_job.patterns import names
from trainer_job.progress import report
from trainer_job.reading import Found, Usable
from trainer_job.report import profiles
from trainer_job.run import Material, Run, skipped, summary
from trainer_job.sample import representatives
from trainer_job.skips import too_few_complete
from trainer_job.trained import TrainedModel


@dataclass(frozen=True)
class _Fit:
    """A fitted model with the episodes that it is judged on.

    Attributes
    ----------
    used
        What it was fitted on.
    features : shape (episodes, features)
        Of these.
    fitted
        The model.
    held
        What it says of held-out episodes.
    labels
        How it agrees with what people say; None where nobody does.
    """

    used: Usable
    features: pd.DataFrame
    fitted: Fitted
    held: Compared
    labels: LabelScore | None


@dataclass(frozen=True)
class _Beside:
    """The model beside the version in service.

    Attributes
    ----------
    goes_on
        What became of that version's modes; None where there is none.
    numbers : length (clusters)
        Number of each cluster's mode in the ledger.
    comparison
        On held-out episodes; None where nothing is compared.
    """

    goes_on: Continuity | Inconclusive | None
    numbers: tuple[int, ...]
    comparison: Comparison | Inconclusive | None


def build(run: Run, source: EpisodeSource, material: Material) -> TrainedModel | Result:
    """Return the model, or the result of a run of which too few episodes can be used.

    Raises
    ------
    UnusableData
        If no model can be made of the episodes.
    """
    document, found = run.document, material.found
    report(run.progress, Stage.FEATURES, 20, f"{len(found.training)} episodes.")
    used = reading.usable(source, found.training)
    if len(used.manifest) < document.data.min_episodes:
        decision = too_few_complete(
            len(used.manifest), len(found.training), used.coverage.lacking, document.data
        )
        return skipped(run, material, decision)
    fit = _fit(run, source, found, used)
    beside = _beside(run, fit)
    return _trained(run, source, material, fit, beside)


def _fit(run: Run, source: EpisodeSource, found: Found, used: Usable) -> _Fit:
    document, wanted = run.document, run.document.features.set
    features = FEATURE_SETS[wanted].transform(used.moments)
    report(run.progress, Stage.CLUSTERING, 40, _left_out(found, used))
    fitted = modelling.fit(features, document.model)
    report(run.progress, Stage.EVALUATING, 60)
    moments = source.moments(found.compared.ids)
    held = judging.predict_held_out(
        found.compared, moments, used.coverage.sensors, wanted, fitted.clustering
    )
    return _Fit(used, features, fitted, held, _score(used, held, fitted))


def _score(used: Usable, held: Compared, fitted: Fitted) -> LabelScore | None:
    clustering = fitted.clustering
    return score_labels(
        clustering.modes.tolist(),
        used.manifest.labels.tolist(),
        clustering.clusters,
        (held.modes.tolist(), held.manifest.labels.tolist()),
    )


def _beside(run: Run, fit: _Fit) -> _Beside:
    """Compare the model with the version in service, and enter its modes in the ledger."""
    goes_on = _goes_on(run, fit)
    clusters = fit.fitted.clustering.clusters
    matches = goes_on.matches if isinstance(goes_on, Continuity) else (None,) * clusters
    numbers = ledger.enter(
        run.database,
        run.tracking.address,
        run.document.model.registered_name,
        run.document.run.uid,
        lambda free: assign_ids(matches, free)[0],
    )
    return _Beside(goes_on, numbers, _compare(run, fit))


def _goes_on(run: Run, fit: _Fit) -> Continuity | Inconclusive | None:
    """Return what became of the champion's modes."""
    incumbent, used = run.incumbent, fit.used
    if incumbent is None:
        return None
    ids = None
    if incumbent.run_uid is not None:
        address, name = run.tracking.address, run.document.model.registered_name
        ids = ledger.find(run.database, address, name, incumbent.run_uid)
    kept = np.flatnonzero(used.coverage.complete)
    return judging.what_became(
        incumbent, ids, used.every, kept, fit.fitted.clustering, fit.features
    )


def _compare(run: Run, fit: _Fit) -> Comparison | Inconclusive | None:
    if run.rule is None or run.incumbent is None:
        return None
    called = {} if fit.labels is None else fit.labels.names
    sensors, seed = fit.used.coverage.sensors, run.document.model.seed
    return judging.against_champion(fit.held, called, run.rule, run.incumbent, sensors, seed)


def _evidence(run: Run, fit: _Fit, beside: _Beside) -> Evidence:
    """Return all that the gates ask for."""
    clustering = fit.fitted.clustering
    return Evidence(
        silhouette=clustering.silhouette,
        sizes=tuple(int((clustering.modes == mode).sum()) for mode in range(clustering.clusters)),
        labels=fit.labels,
        null=fit.fitted.null,
        one_allowed=_one_allowed(run.document),
        champion=None if run.incumbent is None else run.incumbent.version,
        comparison=beside.comparison,
        continuity=beside.goes_on,
    )


def _one_allowed(document: RunDocument) -> bool:
    spec = document.model
    if spec.cluster_range is not None:
        return spec.cluster_range.min == 1
    return spec.number == 1


def _trained(
    run: Run, source: EpisodeSource, material: Material, fit: _Fit, beside: _Beside
) -> TrainedModel:
    """Return the model with all that describes it."""
    document, found, used = run.document, material.found, fit.used
    clustering, comparison = fit.fitted.clustering, beside.comparison
    called = _names(run, fit)
    sensors = used.coverage.sensors
    return TrainedModel(
        sensors=sensors,
        feature_set=document.features.set,
        algorithm=document.model.algorithm,
        features=fit.features,
        clustering=clustering,
        labels=fit.labels,
        profiles=profiles(fit.features, clustering, called),
        sample=reading.sample(source, representatives(clustering, used.manifest), sensors),
        data=summary(material, used),
        lookback_hours=(found.until - found.since) / timedelta(hours=1),
        true_labels=tuple(used.manifest.labels.tolist()),
        names=called,
        modes=beside.numbers,
        selection=fit.fitted.selection,
        null=fit.fitted.null,
        novelty=_novelty(document, fit),
        comparison=comparison.rounded() if isinstance(comparison, Comparison) else None,
        verdicts=judge(_evidence(run, fit, beside), document.gates),
        quality=reading.quality(document, source, found, used).table(),
        holdout=None if run.rule is None else str(run.rule),
    )


def _names(run: Run, fit: _Fit) -> dict[int, str]:
    """Return what clusters are called: by people's labels, and else by the reference file."""
    given = {} if fit.labels is None else fit.labels.names
    if run.patterns is None:
        return dict(given)
    modes, seed = fit.fitted.clustering.modes, run.document.model.seed
    return names(run.patterns.resemblances(fit.used.moments, modes, seed)) | given


def _novelty(document: RunDocument, fit: _Fit) -> Novelty:
    def days(manifest: Manifest) -> list[Block]:
        return blocks(manifest.machines, manifest.started)

    held = (fit.held.features, days(fit.held.manifest))
    clustering, model = fit.fitted.clustering, document.model
    return modelling.novelty(clustering, fit.features, days(fit.used.manifest), held, model)


def _left_out(found: Found, used: Usable) -> str:
    count, total = len(found.training) - len(used.manifest), len(found.training)
    if not count:
        return ""
    return f"{count} of {total} episodes left out: they lack a sensor that most episodes have."
