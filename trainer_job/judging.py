"""What is found of a model beside the version in service, as evidence for the gates."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainer_job.assignment import assign, centres, scaled
from trainer_job.clustering import Clustering
from trainer_job.continuity import Continuity, counted, follow
from trainer_job.contract import Comparison
from trainer_job.episodes import Manifest
from trainer_job.evaluation import Assignment, Inconclusive, compare
from trainer_job.evaluation.comparison import HeldOut
from trainer_job.features import FEATURE_SETS
from trainer_job.holdout import Rule, blocks, held_out_blocks
from trainer_job.moments import Moments
from trainer_job.registry.incumbents import Incumbent
from trainer_job.serving import FailureModes


@dataclass(frozen=True)
class Compared:
    """Held-out episodes as the new model sees them.

    Attributes
    ----------
    manifest
        Those that have every sensor of the model.
    moments
        Their moments, of all sensors that any of them has.
    features : shape (episodes, features)
        Of the model's own feature set.
    modes : shape (episodes,)
        What the model says.
    """

    manifest: Manifest
    moments: Moments
    features: pd.DataFrame
    modes: npt.NDArray[np.int64]


def predict_held_out(
    manifest: Manifest,
    moments: Moments,
    sensors: tuple[str, ...],
    feature_set: str,
    clustering: Clustering,
) -> Compared:
    """Return what the model says of held-out episodes; those that lack a sensor are left out."""
    rows = complete(moments, sensors)
    part = moments.take(rows.tolist(), tuple(s for s in sensors if s in moments.sensors))
    if not len(rows):
        empty = pd.DataFrame(columns=FEATURE_SETS[feature_set].get_feature_names_out(sensors))
        return Compared(manifest.take(rows), part, empty, np.array([], dtype=np.int64))
    features = FEATURE_SETS[feature_set].transform(part)
    modes, _ = assign(clustering.pipeline, features)
    return Compared(
        manifest.take(rows), moments.take(rows.tolist(), moments.sensors), features, modes
    )


def complete(moments: Moments, sensors: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Return the places of the episodes that have all these sensors."""
    if not set(sensors) <= set(moments.sensors):
        return np.array([], dtype=np.int64)
    columns = [moments.sensors.index(sensor) for sensor in sensors]
    return np.flatnonzero((moments["n"][:, columns] > 0).all(axis=1))


def against_champion(
    found: Compared,
    names: dict[int, str],
    rule: Rule,
    incumbent: Incumbent,
    sensors: tuple[str, ...],
    seed: int,
) -> Comparison | Inconclusive:
    """Compare the model with the version in service on episodes that neither was fitted on.

    Where labels are too few, both are judged in one space: the basic features of the episodes
    themselves, standardised by them.
    """
    model, shared = incumbent.model, rule.shared(incumbent.rule)
    if model is None:
        return Inconclusive(incumbent.fault)
    if shared is None:
        return Inconclusive("it was not trained with these episodes held out")
    days = blocks(found.manifest.machines, found.manifest.started)
    held = held_out_blocks(shared.salt, days, shared.fraction)
    has = np.isin(np.arange(len(held)), complete(found.moments, tuple(model.sensors)))
    rows = np.flatnonzero(held & has)
    if held.any() and not len(rows):
        return Inconclusive(f"none of {held.sum()} held-out episodes has every sensor of both")
    manifest, moments = found.manifest.take(rows), found.moments
    theirs, _ = _assigned(model, moments, rows)
    return compare(
        Assignment(found.modes[rows], names),
        Assignment(theirs, model.labels),
        HeldOut(
            manifest.ids.tolist(),
            manifest.labels.tolist(),
            [days[row] for row in rows],
            # The sensors of both: whose space it were alone could choose what is looked at.
            _space(moments, rows, tuple(sorted({*sensors, *model.sensors}))),
        ),
        seed,
    )


def what_became(
    incumbent: Incumbent,
    ids: tuple[int, ...] | None,
    moments: Moments,
    kept: npt.NDArray[np.int64],
    clustering: Clustering,
    features: pd.DataFrame,
) -> Continuity | Inconclusive:
    """Return what became of the modes of the version in service on the training episodes.

    Parameters
    ----------
    incumbent, ids
        The version, and the ledger's number of each of its clusters; None where it has none.
    moments
        Of the window's episodes, with all their sensors.
    kept
        Which of them the new model was fitted on: the places of the rows of `features`.
    clustering, features
        The new model, and what it was fitted on.
    """
    model = incumbent.model
    if model is None:
        return Inconclusive(incumbent.fault)
    if ids is None or len(ids) != len(centres(model.pipeline)):
        return Inconclusive("its modes have no numbers in the ledger")
    has = np.isin(kept, complete(moments, tuple(model.sensors)))
    if not has.any():
        return Inconclusive("no episode of the training has the sensors that it needs")
    old, distances = _assigned(model, moments, kept[has])
    known = counted(old, model.novelty(old, distances) > 1)
    old, new = old[known], clustering.modes[has][known]
    space = scaled(clustering.pipeline, features)[has][known]
    return follow(old, new, ids, clustering.clusters, _gaps(space, old, new, len(ids), clustering))


def _assigned(
    model: FailureModes, moments: Moments, rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return what :func:`trainer_job.assignment.assign` does of the episodes in these rows."""
    if not len(rows):
        return np.array([], dtype=np.int64), np.array([], dtype=np.float64)
    part = moments.take(rows.tolist(), tuple(model.sensors))
    return assign(model.pipeline, FEATURE_SETS[model.feature_set].transform(part))


def _space(
    moments: Moments, rows: npt.NDArray[np.int64], sensors: tuple[str, ...]
) -> npt.NDArray[np.float64]:
    if not len(rows):  # and perhaps none of these sensors
        return np.zeros((0, 1))
    table = FEATURE_SETS["basic"].transform(moments.take(rows.tolist(), sensors)).to_numpy()
    spread = table.std(axis=0)
    return np.asarray((table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _gaps(
    space: npt.NDArray[np.float64],
    old: npt.NDArray[np.int64],
    new: npt.NDArray[np.int64],
    before: int,
    clustering: Clustering,
) -> npt.NDArray[np.float64]:
    """Return the distances between the means of old and new modes in the new model's space."""
    means = [
        [
            space[modes == mode].mean(axis=0)
            if (modes == mode).any()
            else np.full(space.shape[1], np.inf)
            for mode in range(number)
        ]
        for modes, number in ((old, before), (new, clustering.clusters))
    ]
    with np.errstate(invalid="ignore"):
        gaps = np.linalg.norm(np.array(means[0])[:, None] - np.array(means[1])[None], axis=2)
    # Not infinite, which no ranking of distances would survive.
    return np.asarray(np.nan_to_num(gaps, nan=1e300, posinf=1e300))
