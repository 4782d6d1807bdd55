"""Is there structure: what the silhouette comes to where there is none.

Clusters are found in everything: on pure noise the silhouette is above zero in every fit. So the
same procedure is run on tables without structure, and the real one must beat 95 % of them. Two
kinds of such tables are made, and the stricter one counts. Neither is like what follows one cause
in other ways than these: a load or an amplitude that differs without a gap may pass for modes.

- *shuffled*: the episodes of each sensor are permuted, all its columns together. What a sensor's
  mean, minimum and maximum have in common stays; what holds across sensors, which is what makes a
  failure mode, goes. Permuting each column alone would break up both: on noise the silhouette of
  the real table then exceeds nearly all of the permuted ones, since correlated columns alone
  raise it.
- *cloud*: one cloud with the correlations of the table's columns, and the skewness and tails of
  each, as in SigClust (Liu, Hayes, Nobel & Marron 2008, doi:10.1198/016214508000000454), here a
  Gaussian copula: a lengthy cloud can be cut into parts, too.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import nnls
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata
from sklearn import config_context
from threadpoolctl import threadpool_limits

from trainer_job.assignment import assign, scaled
from trainer_job.clustering import silhouette
from trainer_job.clustering.algorithms import fit_pipeline, sample
from trainer_job.features import is_derived, sensor_of

Floats = npt.NDArray[np.float64]
Modes = npt.NDArray[np.int64]
Draw = Callable[[np.random.Generator], Floats]

DRAWS = 39
"""Tables of each kind: the second largest of 39 silhouettes is exceeded by chance in 5 of 100."""

SAMPLE = 600
"""Episodes beyond this are sampled: more would not make the band narrower than it need be."""


_ROUNDS = 1_000
"""Of the solver for the weights: far more than it was ever seen to take."""


@dataclass(frozen=True)
class NullBand:
    """The silhouette of a table, beside those of tables without structure.

    Attributes
    ----------
    observed
        Of the real table, found as the others are: with few starts, on `episodes` episodes, and
        without columns that follow from others. It may differ from that of the final fit.
    median, p95
        Of the stricter kind of table without structure.
    draws
        Number of tables of each kind.
    episodes
        Number of episodes in each.
    """

    observed: float
    median: float
    p95: float
    draws: int
    episodes: int

    @property
    def exceeded(self) -> bool:
        """Whether there is more structure than chance makes in 95 of 100 cases."""
        return self.observed > self.p95


def null_band(
    features: pd.DataFrame,
    algorithm: str,
    clusters: int,
    seed: int,
    draws: int = DRAWS,
    modes: Modes | None = None,
) -> NullBand | None:
    """Measure the silhouette of a table and of tables without structure.

    Parameters
    ----------
    features : shape (episodes, features)
        Columns named by a feature set, which tells the sensor of each.
    algorithm, clusters, seed
        As for :func:`trainer_job.clustering.fit`.
    draws
        Number of tables of each kind.
    modes : shape (episodes,)
        Of the model that is judged. It was found with more starts and may be another solution
        than the quick one of here: the lower silhouette of the two counts, so that chance passes
        no more often.

    Returns
    -------
    NullBand or None
        None where there is no silhouette: one cluster, or as many as episodes.
    """
    rows = sample(len(features), seed, SAMPLE)
    table = without_derived(features).iloc[rows]
    with small_fits():
        given = None if modes is None else modes[rows]
        observed = score(table.to_numpy(), algorithm, clusters, seed, given)
        if observed is None:
            return None
        kinds = []
        for place, draw in enumerate(without_structure(table)):
            rng = np.random.default_rng((seed, place))
            tables = (draw(rng) for _ in range(draws))
            scores = [by_chance(each, algorithm, clusters, seed) for each in tables]
            kinds.append(np.sort([-1.0 if value is None else value for value in scores]))
    strict = max(kinds, key=percentile)
    return NullBand(observed, float(np.median(strict)), percentile(strict), draws, len(table))


@contextmanager
def small_fits() -> Iterator[None]:
    """Spare many fits of small tables what takes longer than they do: threads, and checks."""
    checks = config_context(assume_finite=True, skip_parameter_validation=True)
    with threadpool_limits(1), checks:
        yield


def percentile(ordered: Floats) -> float:
    """Return the value that one more draw exceeds with a chance of 1 in 20; it takes 19 to tell."""
    return float(ordered[min(math.ceil(0.95 * (len(ordered) + 1)), len(ordered)) - 1])


def sampled(features: pd.DataFrame, seed: int, most: int) -> pd.DataFrame:
    """Return the table, or `most` of its rows in their order."""
    return features.iloc[sample(len(features), seed, most)]


def without_derived(features: pd.DataFrame) -> pd.DataFrame:
    """Return the table without the columns that follow from others.

    Shuffled by themselves they would no longer do so, and that alone would tell noise apart.
    """
    return features[[name for name in features.columns if not is_derived(name)]]


def score(
    table: Floats, algorithm: str, clusters: int, seed: int, given: Modes | None = None
) -> float | None:
    """Fit with few starts, and return the silhouette where there is one.

    That of `given` modes in the same space, where it is the lower one.
    """
    if not 2 <= clusters < len(table):
        return None
    pipeline = fit_pipeline(table, algorithm, clusters, seed, quick=True)
    space = scaled(pipeline, table)
    found = silhouette.mean(space, assign(pipeline, table)[0], seed)
    if given is None or found is None:
        return found
    other = silhouette.mean(space, given, seed)
    return min(found, -1.0 if other is None else other)


def by_chance(table: Floats, algorithm: str, clusters: int, seed: int) -> float | None:
    """Return the silhouette of a table without structure, where there is one.

    Its clusters may have any size: the best that chance makes are often single extremes.
    """
    pipeline = fit_pipeline(table, algorithm, clusters, seed, quick=True, any_size=True)
    return silhouette.mean(scaled(pipeline, table), assign(pipeline, table)[0], seed)


def without_structure(features: pd.DataFrame) -> Iterator[Draw]:
    """Return what draws tables of the size of this one, of both kinds."""
    table = features.to_numpy("float64")
    blocks = _places([sensor_of(name) for name in features.columns])
    if len(blocks) > 1:  # the episodes of one sensor in another order are the same table
        yield shuffled(table, blocks)
    yield cloud(table)


def shuffled(table: Floats, blocks: Sequence[Sequence[int]]) -> Draw:
    """Return what permutes the rows of each block of columns."""

    def draw(rng: np.random.Generator) -> Floats:
        result = np.empty_like(table)
        for block in blocks:
            result[:, block] = table[rng.permutation(len(table))][:, block]
        return result

    return draw


def cloud(table: Floats) -> Draw:
    """Return what draws rows of one cloud.

    The correlations are those of the normal scores of the ranks; each column's values are what
    :func:`_without_gaps` makes of its own, within their range.
    """
    episodes = len(table)
    levels = _standard(ndtri((rankdata(table, axis=0) - 0.5) / episodes))
    ordered = ndtri((np.arange(1, episodes + 1) - 0.5) / episodes)
    columns = [_without_gaps(np.sort(values), ordered) for values in _standard(table).T]

    def draw(rng: np.random.Generator) -> Floats:
        scores = rng.normal(size=(episodes, episodes)) @ levels / math.sqrt(episodes)
        drawn = [
            np.interp(score, ordered, column)
            for score, column in zip(scores.T, columns, strict=True)
        ]
        return np.stack(drawn, axis=1)

    return draw


def _without_gaps(values: Floats, scores: Floats) -> Floats:
    """Return ascending values that are like the given ones, and have one peak at most.

    On each side of the median they are a sum, with weights of at least zero (Lawson & Hanson
    1974), of the quantile functions of a uniform, a normal and three ever heavier-tailed
    distributions (the S_U of Johnson 1949, doi:10.1093/biomet/36.1-2.149). Two peaks come out as
    something flat; skewness and tails stay.
    """
    middle = np.median(values)
    result = np.full_like(values, middle)
    for side in (scores < 0, scores > 0):
        part = np.abs(scores[side])
        curves = [ndtr(part) - 0.5, part, np.sinh(part), np.sinh(2 * part), np.sinh(3 * part)]
        basis = np.stack(curves, axis=1)
        basis /= np.linalg.norm(basis, axis=0)
        weights, _ = nnls(basis, np.abs(values[side] - middle), maxiter=_ROUNDS)
        result[side] += np.sign(scores[side]) * (basis @ weights)
    return result


def _standard(table: Floats) -> Floats:
    spread = table.std(axis=0)
    return np.asarray((table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _places(sensors: Sequence[Hashable]) -> list[list[int]]:
    """Return the columns of each sensor."""
    blocks: dict[Hashable, list[int]] = {}
    for place, sensor in enumerate(sensors):
        blocks.setdefault(sensor, []).append(place)
    return list(blocks.values())
