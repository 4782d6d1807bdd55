"""The rule by which a pair of feature set and algorithm is recommended: docs/quality.md."""

import math
import statistics
from collections.abc import Mapping, Sequence

Pair = tuple[str, str]


def behind(scores: Mapping[Pair, Sequence[float]]) -> dict[Pair, tuple[float, float]]:
    """Return how far each pair lies behind the best mean, and the standard error of that.

    Parameters
    ----------
    scores
        Of each pair, one a data set, in the same order.
    """
    best = max(scores, key=lambda pair: statistics.fmean(scores[pair]))
    result = {}
    for pair, values in scores.items():
        gaps = [top - value for top, value in zip(scores[best], values, strict=True)]
        result[pair] = statistics.fmean(gaps), statistics.stdev(gaps) / math.sqrt(len(gaps))
    return result


def recommended(scores: Mapping[Pair, Sequence[float]], stability: Mapping[Pair, float]) -> Pair:
    """Return the most stable of those that lie at most one standard error behind the best."""
    gaps = behind(scores)
    tied = [pair for pair, (gap, error) in gaps.items() if gap <= error]
    return max(tied, key=lambda pair: stability[pair])
