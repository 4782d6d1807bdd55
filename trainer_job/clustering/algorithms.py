"""The algorithms by name: what becomes of a table of features, whose number of clusters is known.

All standardise first, are repeatable for a seed, can predict, and have centres. What they leave
behind is made of scikit-learn's own classes alone, which every predictor can load.
"""

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import ward
from sklearn.base import ClusterMixin
from sklearn.cluster import BisectingKMeans, KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from trainer_job.assignment import Table
from trainer_job.clustering.sizes import size_floor

Floats = npt.NDArray[np.float64]

MOST_STARTS, FEWEST_STARTS = 100, 3
"""Starts of k-means on small and on large tables. With ten, or with fifty, the seed still decides
which of several nearly equal solutions is found; with a hundred, all seeds tried on the shipped
data find the best one."""

QUICK_STARTS = 3
"""Starts of k-means in comparisons; what begins with k-means or halves gets one."""

WORK = 16_000_000
"""Episodes x features x clusters x starts that a fit may cost: a few seconds on one core, where
it takes longest to converge, which is on noise."""

STARTING = 5_000
"""Episodes beyond this are sampled to find out which start is the best: how many are needed does
not depend on how many there are. From the best one k-means goes on with all episodes (Bradley &
Fayyad 1998, Refining initial points for k-means clustering)."""

MIXTURE_STARTS = 10
"""Starts of the mixture at most: each begins with k-means, and takes ten times as long."""

VARIANCE = 0.9
"""Share of the variance that the principal components keep for the mixture."""

REGULARISATION = 0.3
"""Added to each variance of the mixture, in units of a standardised feature's: without it a
component shrinks onto a few episodes that are nearly alike, and its likelihood has no bound."""

WARD_EPISODES = 2_000
"""Episodes beyond this are sampled for Ward's method, which compares each with each."""

CUTS = 100
"""Lower cuts of Ward's tree that are tried: each splits off one small group or one large one."""

PART = 2_000
"""Episodes that are standardised at a time."""


def fit_pipeline(
    table: Table,
    algorithm: str,
    clusters: int,
    seed: int,
    quick: bool = False,
    any_size: bool = False,
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
    any_size
        Whether clusters may have any size. Otherwise `kmeans` and `wardKMeans` look for such that
        have the episodes of a failure mode.

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
        space = _standardised(scaler, table)
        steps = ALGORITHMS[algorithm](space, clusters, seed, quick, any_size)
    return Pipeline([("scaler", scaler), *steps])


Steps = list[tuple[str, ClusterMixin]]


def _standardised(scaler: StandardScaler, table: Table) -> Floats:
    """Return the table as the algorithms want it: row after row, and in one copy."""
    space = np.empty(table.shape)
    for start in range(0, len(space), PART):
        part = slice(start, start + PART)
        space[part] = scaler.transform(table[part])
    return space


def _kmeans(space: Floats, clusters: int, seed: int, quick: bool, any_size: bool) -> Steps:
    """Fit Lloyd's iterations, and take the best of those without a cluster that is too small.

    k-means++ starts from extremes, and what it gives one or two of them a cluster for has the
    lowest inertia, though it is no failure mode.
    """
    some = _sampled(space, STARTING, seed)
    number = QUICK_STARTS if quick else allowed_starts(some.size * clusters)
    found = KMeans(clusters, n_init=number, random_state=seed).fit(some)
    if not any_size and _too_small(found):
        found = _without_small(some, clusters, seed, number) or found
    if len(some) < len(space):
        return _from_centres(found.cluster_centers_, space, seed)
    return [("clusters", found)]


def _without_small(space: Floats, clusters: int, seed: int, number: int) -> KMeans | None:
    """Return the best of the fits, from any episodes, that have no cluster below the size floor."""
    if size_floor(len(space)) * clusters > len(space):
        return None
    found = None
    for start in np.random.default_rng(seed).integers(2**31, size=number):
        fit = KMeans(clusters, init="random", n_init=1, random_state=int(start)).fit(space)
        if not _too_small(fit) and (found is None or fit.inertia_ < found.inertia_):
            found = fit
    return found


def _too_small(fit: KMeans) -> bool:
    """Return whether a cluster is below the size floor."""
    sizes = np.bincount(fit.labels_, minlength=fit.n_clusters)
    return bool(sizes.min() < size_floor(len(fit.labels_)))


def _bisecting_kmeans(
    space: Floats, clusters: int, seed: int, quick: bool, any_size: bool
) -> Steps:
    """Fit k-means with two clusters, and again to one half after the other."""
    some = _sampled(space, STARTING, seed)
    number = 1 if quick else allowed_starts(some.size * clusters)
    found = BisectingKMeans(clusters, n_init=number, random_state=seed)
    return [("clusters", found.fit(some))]


def _ward_kmeans(space: Floats, clusters: int, seed: int, quick: bool, any_size: bool) -> Steps:
    """Fit k-means once, from the centroids of Ward's clusters (Ward 1963).

    Where clusters are too small, the tree is cut lower, until as many are large enough.
    """
    some = _sampled(space, WARD_EPISODES, seed)
    if clusters == 1:
        return _from_centres(some.mean(axis=0, keepdims=True), space, seed)
    tree = ward(some)
    centres = _centroids(some, cut(tree, clusters), clusters)
    if not any_size and _too_small(_fitted(centres, some, seed)):
        centres = _lower(some, tree, clusters, seed, centres)
    return _from_centres(centres, space, seed)


def _lower(space: Floats, tree: Floats, clusters: int, seed: int, otherwise: Floats) -> Floats:
    """Return the centroids of the largest groups of the first lower cut that gives no small ones.

    The centroids `otherwise`, if there is none.
    """
    for number in range(clusters + 1, min(clusters + CUTS, len(space)) + 1):
        groups = cut(tree, number)
        if np.sort(np.bincount(groups))[-clusters] >= size_floor(len(space)):
            centres = _centroids(space, groups, clusters)
            if not _too_small(_fitted(centres, space, seed)):
                return centres
    return otherwise


def cut(tree: Floats, number: int) -> npt.NDArray[np.int64]:
    """Return the group of each episode where `number` groups of a tree of scipy's are left.

    Exactly as many, also where episodes are equal, of which scipy's own function makes no two.
    """
    episodes = len(tree) + 1
    group = np.arange(2 * episodes - 1)
    for merge in reversed(range(episodes - number)):
        group[tree[merge, :2].astype(np.int64)] = group[episodes + merge]
    return np.unique(group[:episodes], return_inverse=True)[1]


def _centroids(space: Floats, groups: npt.NDArray[np.int64], most: int) -> Floats:
    """Return the centroids of the largest groups."""
    largest = np.argsort(-np.bincount(groups), kind="stable")[:most]
    return np.stack([space[groups == group].mean(axis=0) for group in largest])


def _fitted(centres: Floats, space: Floats, seed: int) -> KMeans:
    return KMeans(len(centres), init=centres, n_init=1, random_state=seed).fit(space)


def _from_centres(centres: Floats, space: Floats, seed: int) -> Steps:
    # It centres the space in place, which nobody needs any more.
    found = KMeans(len(centres), init=centres, n_init=1, random_state=seed, copy_x=False)
    return [("clusters", found.fit(space))]


def _gaussian_mixture(
    space: Floats, clusters: int, seed: int, quick: bool, any_size: bool
) -> Steps:
    """Fit a mixture of normal distributions with diagonal covariances on principal components."""
    steps: Steps = []
    some = _sampled(space, STARTING, seed)
    if some.any():  # of episodes that are all alike there are none
        components = PCA(VARIANCE, svd_solver="full").fit(some)
        some = components.transform(some)
        steps.append(("components", components))
    if len(some) == 1:  # it takes two at least, and twice the same is no other mixture
        some = np.repeat(some, 2, axis=0)
    most = min(MIXTURE_STARTS, allowed_starts(10 * some.size * clusters))
    mixture = GaussianMixture(
        clusters,
        covariance_type="diag",
        reg_covar=REGULARISATION,
        n_init=1 if quick else most,
        random_state=seed,
    )
    return [*steps, ("clusters", mixture.fit(some))]


def sample(episodes: int, seed: int, most: int) -> npt.NDArray[np.int64]:
    """Return the places of all episodes, or of `most` of them, in their order."""
    if episodes <= most:
        return np.arange(episodes)
    return np.sort(np.random.default_rng(seed).choice(episodes, most, replace=False))


def _sampled(space: Floats, most: int, seed: int) -> Floats:
    return space if len(space) <= most else space[sample(len(space), seed, most)]


def allowed_starts(work: int) -> int:
    """Return the starts that a fit may take where each costs `work`."""
    return max(FEWEST_STARTS, min(MOST_STARTS, WORK // max(work, 1)))


ALGORITHMS: Mapping[str, Callable[[Floats, int, int, bool, bool], Steps]] = {
    "kmeans": _kmeans,
    "wardKMeans": _ward_kmeans,
    "bisectingKMeans": _bisecting_kmeans,
    "gaussianMixture": _gaussian_mixture,
}
