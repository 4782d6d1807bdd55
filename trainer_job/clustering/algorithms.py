"""The algorithms by name: what becomes of a table of features, whose number of clusters is known.

All standardise first, are repeatable for a seed, can predict, and have centres. What they leave
behind is made of scikit-learn's own classes alone, which every predictor can load.
"""

import warnings
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
from sklearn.base import ClusterMixin
from sklearn.cluster import AgglomerativeClustering, BisectingKMeans, KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

Floats = npt.NDArray[np.float64]

MOST_STARTS, FEWEST_STARTS = 100, 5
"""Starts of k-means on small and on large tables. With ten, or with fifty, the seed still decides
which of several nearly equal solutions is found; with a hundred, all seeds tried on the shipped
data find the best one."""

QUICK_STARTS = 3
"""Starts of k-means in comparisons; what begins with k-means or halves gets one."""

WORK = 40_000_000
"""Episodes x features x clusters x starts that a fit may cost: a few seconds on one core."""

MIXTURE_STARTS = 10
"""Starts of the mixture at most: each begins with k-means, and takes ten times as long."""

VARIANCE = 0.9
"""Share of the variance that the principal components keep for the mixture."""

REGULARISATION = 0.3
"""Added to each variance of the mixture, in units of a standardised feature's: without it a
component shrinks onto a few episodes that are nearly alike, and its likelihood has no bound."""

WARD_EPISODES = 3_000
"""Episodes beyond this are sampled for Ward's method, which compares each with each."""


def fit_pipeline(
    table: object, algorithm: str, clusters: int, seed: int, quick: bool = False
) -> Pipeline:
    """Fit an algorithm to a table of features.

    Parameters
    ----------
    table : DataFrame or ndarray, shape (episodes, features)
        Without gaps.
    algorithm
        A name of `ALGORITHMS`.
    clusters, seed
        Number of clusters, and the seed that makes the fit repeatable.
    quick
        With few starts, for comparisons that need hundreds of fits.

    Returns
    -------
    Pipeline
        Steps ``scaler``, in places ``components``, and ``clusters``. Fewer distinct episodes than
        clusters leave some clusters empty.
    """
    scaler = StandardScaler().fit(table)
    with warnings.catch_warnings():
        # Too few distinct episodes: the caller says so in our words.
        warnings.simplefilter("ignore", ConvergenceWarning)
        steps = ALGORITHMS[algorithm](scaler.transform(table), clusters, seed, quick)
    return Pipeline([("scaler", scaler), *steps])


Steps = list[tuple[str, ClusterMixin]]


def _kmeans(estimator: type, space: Floats, clusters: int, seed: int, quick: bool) -> Steps:
    """Fit k-means++ and Lloyd's iterations to all episodes, or to one half after the other."""
    few = QUICK_STARTS if estimator is KMeans else 1
    number = few if quick else allowed_starts(space.size * clusters)
    found = estimator(n_clusters=clusters, n_init=number, random_state=seed).fit(space)
    return [("clusters", found)]


def _ward_kmeans(space: Floats, clusters: int, seed: int, quick: bool) -> Steps:
    """Fit k-means once, from the centroids of Ward's clusters (Ward 1963)."""
    some = space
    if len(space) > WARD_EPISODES:
        chosen = np.random.default_rng(seed).choice(len(space), WARD_EPISODES, replace=False)
        some = space[np.sort(chosen)]
    if clusters > 1:
        groups = AgglomerativeClustering(clusters, linkage="ward").fit_predict(some)
    else:
        groups = np.zeros(len(some), dtype=np.int64)
    centroids = np.stack([some[groups == group].mean(axis=0) for group in range(clusters)])
    found = KMeans(clusters, init=centroids, n_init=1, random_state=seed).fit(space)
    return [("clusters", found)]


def _gaussian_mixture(space: Floats, clusters: int, seed: int, quick: bool) -> Steps:
    """Fit a mixture of normal distributions with diagonal covariances on principal components."""
    steps: Steps = []
    if space.any():  # of episodes that are all alike there are none
        components = PCA(VARIANCE, svd_solver="full").fit(space)
        space = components.transform(space)
        steps.append(("components", components))
    most = min(MIXTURE_STARTS, allowed_starts(10 * space.size * clusters))
    mixture = GaussianMixture(
        clusters,
        covariance_type="diag",
        reg_covar=REGULARISATION,
        n_init=1 if quick else most,
        random_state=seed,
    )
    return [*steps, ("clusters", mixture.fit(space))]


def allowed_starts(work: int) -> int:
    """Return the starts that a fit may take where each costs `work`."""
    return max(FEWEST_STARTS, min(MOST_STARTS, WORK // max(work, 1)))


ALGORITHMS: Mapping[str, Callable[[Floats, int, int, bool], Steps]] = {
    "kmeans": partial(_kmeans, KMeans),
    "wardKMeans": _ward_kmeans,
    "bisectingKMeans": partial(_kmeans, BisectingKMeans),
    "gaussianMixture": _gaussian_mixture,
}
