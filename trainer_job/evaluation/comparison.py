"""Two models on the same held-out episodes: the difference of their scores and its interval."""

import hashlib
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from trainer_job.clustering import silhouette
from trainer_job.clustering.algorithms import sample
from trainer_job.contract import Comparison
from trainer_job.evaluation.labels import enough
from trainer_job.evaluation.matching import f1_by_label

Floats = npt.NDArray[np.float64]
Modes = npt.NDArray[np.int64]

FEWEST_EPISODES = 20
"""On fewer episodes each weighs more than the margin that is usually allowed, .05."""

FEWEST_BLOCKS = 5
"""With fewer machine-days, resampling them has too few outcomes (4 have 35) for a 95 % interval."""

DRAWS = 2_000
"""Resampled sets of machine-days. With many of these, 50 lie beyond each end of the interval."""

_CHUNK = 1_000_000
"""Numbers of one step of the resampling: 8 MiB at a time, however many machine-days there are."""


@dataclass(frozen=True)
class Assignment:
    """What a model says of the compared episodes.

    Attributes
    ----------
    modes : shape (episodes,)
        Cluster of each episode.
    names
        Cluster → label, from the model's own training episodes; empty where it has none.
    """

    modes: Modes
    names: Mapping[int, str]


@dataclass(frozen=True)
class HeldOut:
    """The episodes on which two models are compared. Neither was fitted on any of them.

    Attributes
    ----------
    episodes : length (episodes)
        Their ids.
    labels : length (episodes)
        What people say; None is no label.
    blocks : length (episodes)
        Machine and day of each: episodes of one block are not independent of each other.
    space : shape (episodes, dimensions)
        One fixed space for both models: a model that were judged in its own would win by
        choosing the space in which anything looks well apart.
    """

    episodes: Sequence[int]
    labels: Sequence[str | None]
    blocks: Sequence[Hashable]
    space: Floats

    def take(self, rows: npt.NDArray[np.int64]) -> "HeldOut":
        """Return the episodes at these places."""
        return HeldOut(
            [self.episodes[row] for row in rows],
            [self.labels[row] for row in rows],
            [self.blocks[row] for row in rows],
            self.space[rows],
        )


@dataclass(frozen=True)
class Inconclusive:
    """Two models that could not be compared.

    Attributes
    ----------
    because
        Part of a sentence for people: what was missing.
    """

    because: str


def compare(
    ours: Assignment, theirs: Assignment, held_out: HeldOut, seed: int
) -> Comparison | Inconclusive:
    """Compare two models on held-out episodes.

    By macro F1 where enough of the episodes are labelled and both models name clusters, else by
    the mean silhouette of each one's clusters in the same space. The silhouette says how far the
    clusters are apart, not whether they are the right ones: that a model has merged two modes, it
    hardly sees.

    Parameters
    ----------
    ours, theirs
        Of the new model and of the champion, in the order of `held_out`.
    held_out
        The episodes.
    seed
        Of the resampling.

    Returns
    -------
    Comparison or Inconclusive
        The difference with its 95 % interval; or what is missing, where there are fewer than
        `FEWEST_EPISODES` episodes or `FEWEST_BLOCKS` machine-days, or a model sees no two kinds.
    """
    rows = np.array([row for row, label in enumerate(held_out.labels) if label is not None], int)
    if ours.names and theirs.names and enough(held_out.labels):
        labelled = held_out.take(rows)
        if lacking(labelled) is None:
            return _by_f1(_at(ours, rows), _at(theirs, rows), labelled, seed)
    missing = lacking(held_out)
    return missing or _by_separation(ours, theirs, held_out, seed)


def lacking(held_out: HeldOut) -> Inconclusive | None:
    """Return what is missing of the least number of episodes and machine-days."""
    episodes, blocks = len(held_out.episodes), len(set(held_out.blocks))
    if episodes >= FEWEST_EPISODES and blocks >= FEWEST_BLOCKS:
        return None
    return Inconclusive(
        f"{episodes} held-out episodes of {blocks} machine-days are too few, {FEWEST_EPISODES} of "
        f"{FEWEST_BLOCKS} needed; widen spec.gates.champion.lookback"
    )


def digest(episodes: Sequence[int]) -> str:
    """Return what identifies a set of episodes, whatever their order: 16 hexadecimal digits."""
    text = "\n".join(str(episode) for episode in sorted(episodes))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _by_f1(ours: Assignment, theirs: Assignment, held_out: HeldOut, seed: int) -> Comparison:
    names, true = np.unique(np.asarray(held_out.labels, dtype=str), return_inverse=True)
    has = true[:, None] == np.arange(len(names))
    parts = [has]
    for side in (ours, theirs):
        given = np.array([side.names.get(mode) for mode in side.modes.tolist()], dtype=object)
        called = given[:, None] == names.astype(object)
        parts += [has & called, called]

    def difference(sums: Floats) -> Floats:
        true, *counts = np.split(sums, len(parts), axis=-1)
        scores = []
        for hits, given in (counts[:2], counts[2:]):
            # What does not occur in a draw is no label of it, for neither model.
            score = np.where(true > 0, f1_by_label(hits, true, given), np.nan)
            scores.append(np.nanmean(score, axis=-1))
        return np.asarray(scores[0] - scores[1])

    table = np.hstack(parts).astype("float64")
    return _comparison("F1", table, held_out, difference, seed)


def _by_separation(
    ours: Assignment, theirs: Assignment, held_out: HeldOut, seed: int
) -> Comparison | Inconclusive:
    if len(held_out.episodes) > silhouette.SAMPLE:  # one sample for both
        rows = sample(len(held_out.episodes), seed, silhouette.SAMPLE)
        ours, theirs, held_out = _at(ours, rows), _at(theirs, rows), held_out.take(rows)
    scores = []
    for side, whose in ((ours, "this model"), (theirs, "the champion")):
        score = silhouette.of_episodes(held_out.space, side.modes, seed)
        if score is None:
            number = len(held_out.episodes)
            return Inconclusive(f"{whose} sees no two kinds of the {number} held-out episodes")
        scores.append(score)

    def difference(sums: Floats) -> Floats:
        return np.asarray(sums[..., 0] / sums[..., 1])

    table = np.stack([scores[0] - scores[1], np.ones(len(scores[0]))], axis=1)
    return _comparison("Separation", table, held_out, difference, seed)


def _comparison(
    measure: Literal["F1", "Separation"],
    table: Floats,
    held_out: HeldOut,
    difference: Callable[[Floats], Floats],
    seed: int,
) -> Comparison:
    found, low, high = interval(table, held_out.blocks, difference, seed)
    return Comparison(
        measure=measure,
        episodes=len(held_out.episodes),
        digest=digest(held_out.episodes),
        difference=found,
        low=low,
        high=high,
    )


def interval(
    table: Floats, blocks: Sequence[Hashable], statistic: Callable[[Floats], Floats], seed: int
) -> tuple[float, float, float]:
    """Return a statistic of sums over episodes, and its 95 % interval by resampling blocks.

    It is the expanded percentile interval (Hesterberg 2015, doi:10.1080/00031305.2015.1089789):
    the plain one is too narrow where there are few blocks.

    Parameters
    ----------
    table : shape (episodes, columns)
        What is summed.
    blocks : length (episodes)
        Which episodes are drawn together; at least two distinct ones.
    statistic
        Of sums, shape (..., columns) → (...).
    seed
        Of the draws.

    Returns
    -------
    found, low, high
        The interval holds `found`.
    """
    # In an order of their own, so that the draws do not follow that of the episodes.
    codes = {block: code for code, block in enumerate(sorted(set(blocks), key=repr))}
    sums = np.zeros((len(codes), table.shape[1]))
    np.add.at(sums, [codes[block] for block in blocks], table)
    found = float(statistic(sums.sum(axis=0)))
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // len(codes))
    drawn = [
        statistic(_weights(rng, min(step, DRAWS - start), len(codes)) @ sums)
        for start in range(0, DRAWS, step)
    ]
    tail = _tail(len(codes))
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail])
    return found, min(float(low), found), max(float(high), found)


def _weights(rng: np.random.Generator, draws: int, blocks: int) -> Floats:
    """Return how often each block is drawn: (draws, blocks), each row adding up to `blocks`."""
    picked = rng.integers(blocks, size=(draws, blocks)) + blocks * np.arange(draws)[:, None]
    return (
        np.bincount(picked.ravel(), minlength=draws * blocks).reshape(draws, blocks).astype(float)
    )


def _tail(blocks: int) -> float:
    """Return the part of the draws below a 95 % interval: 2.5 %, and less with few blocks."""
    from scipy.special import ndtr, stdtrit  # noqa: PLC0415 - scipy.stats takes ten times as long

    return float(ndtr(math.sqrt(blocks / (blocks - 1)) * stdtrit(blocks - 1, 0.025)))


def _at(side: Assignment, rows: npt.NDArray[np.int64]) -> Assignment:
    return replace(side, modes=side.modes[rows])
