"""How good the models are: `python -m bench.quality TABLE...`.

`noise` counts false alarms: how often noise passes for structure, for three clusters;
`chosen-noise` where the product chooses their number. `synthetic` compares feature sets and
algorithms on invented plants, whose modes are known, and by what can be told without labels on
the shipped recordings. `independent` compares them with the labels of recordings that other
packages ship, `rule` says which is recommended, and `real` compares them with the labels of the
shipped recordings.
"""

import argparse
import itertools
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import (
    adjusted_rand_score,
    normalized_mutual_info_score,
    silhouette_score,
)

from bench.independent import WITNESSES, weighted, witness
from bench.rule import Pair, behind, recommended
from bench.synthetic import NOISE, Recording, noise, plant
from trainer_job import clustering
from trainer_job.assignment import assign, scaled
from trainer_job.clustering.algorithms import ALGORITHMS, fit_pipeline
from trainer_job.clustering.selection import choose, stability
from trainer_job.clustering.sizes import size_floor
from trainer_job.clustering.structure import null_band, small_fits
from trainer_job.evaluation.matching import match
from trainer_job.features import FEATURE_SETS, episode_features
from trainer_job.formats import read_recording

SHIPPED = Path(__file__).parents[1] / "examples/data"
SETS = tuple(FEATURE_SETS)
CHOOSING = tuple(name for name in SETS if name != "seed")
"""Sets for which the number is chosen: `seed` differs from `basic` only by an episode's length."""

DEFAULT, RECOMMENDED = ("basic", "kmeans"), ("dynamics", "wardKMeans")

IN_DATABASE = tuple(name for name in SETS if name != "catch22")
FEW, MANY = 5, 30
"""Fits with different seeds, on others' recordings and on the shipped ones."""
Modes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """How well modes agree with what is known, and how far apart they are.

    Attributes
    ----------
    ari, nmi, f1
        Adjusted Rand index, normalised mutual information (arithmetic mean), and macro F1 with
        each cluster named after the label that suits it best.
    silhouette
        In the model's own space: not to be compared between rows.
    """

    ari: float
    nmi: float
    f1: float
    silhouette: float


def main(arguments: Sequence[str]) -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(prog="bench.quality", description=__doc__)
    parser.add_argument("tables", nargs="+", choices=sorted(_TABLES))
    parser.add_argument("--seeds", type=int, help="plants (100), or tables of each noise (20)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first plant or noise")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    given = parser.parse_args(arguments)
    for name in given.tables:
        number = given.seeds or (20 if "noise" in name else 100)
        with ProcessPoolExecutor(given.jobs) as pool:
            for line in _TABLES[name](pool, range(given.first, given.first + number)):
                print(line, flush=True)


def _noise(pool: ProcessPoolExecutor, seeds: Sequence[int]) -> Iterator[str]:
    pairs = [(name, "kmeans") for name in ("basic", "logged", "dynamics")]
    yield from _alarms(pool, seeds, (30, 100), [*pairs, RECOMMENDED], choosing=False)


def _chosen_noise(pool: ProcessPoolExecutor, seeds: Sequence[int]) -> Iterator[str]:
    yield from _alarms(pool, seeds, (30, 100), (DEFAULT, RECOMMENDED), choosing=True)


def _alarms(
    pool: ProcessPoolExecutor,
    seeds: Sequence[int],
    sizes: Sequence[int],
    pairs: Sequence[Pair],
    choosing: bool,
) -> Iterator[str]:
    yield from _head("noise", "episodes", *map(" ".join, pairs))
    cases = list(itertools.product(NOISE, sizes))
    same = [itertools.repeat(each) for each in (seeds, pairs, choosing)]
    for (kind, episodes), row in zip(
        cases, pool.map(false_alarms, *zip(*cases, strict=True), *same), strict=True
    ):
        yield _row(kind, episodes, *(f"{row[pair]:.2f}" for pair in pairs))


def false_alarms(
    kind: str, episodes: int, seeds: Sequence[int], pairs: Sequence[Pair], choosing: bool
) -> dict[Pair, float]:
    """Return the share of tables of noise that pass, by feature set and algorithm.

    For three clusters, as the default, or for a number that is chosen.
    """
    alarms = dict.fromkeys(pairs, 0)
    for seed, (name, algorithm) in itertools.product(seeds, pairs):
        recording = noise(kind, episodes, seed)
        table = episode_features(recording.readings, recording.sensors, name)
        number = choose(table, algorithm, 2, 8, seed).chosen if choosing else 3
        passed = number is not None and passes(table, algorithm, number, seed)
        alarms[name, algorithm] += passed
    return {pair: count / len(seeds) for pair, count in alarms.items()}


def passes(table: pd.DataFrame, algorithm: str, clusters: int, seed: int) -> bool:
    """Return whether the structure gate would let the model pass."""
    fit = clustering.fit(table, algorithm, clusters, seed)
    if np.bincount(fit.modes).min() < size_floor(len(table)):
        return False
    band = null_band(table, algorithm, clusters, seed, modes=fit.modes)
    return band is not None and band.exceeded


def _synthetic(pool: ProcessPoolExecutor, seeds: Sequence[int]) -> Iterator[str]:
    found = list(pool.map(on_plant, seeds))
    kept = list(pool.map(stability_of, *zip(*_pairs(), strict=True)))
    yield from _head("features", "algorithm", "ARI mean", "ARI median", "worst tenth", "stability")
    for (name, algorithm), stable in zip(_pairs(), kept, strict=True):
        values = [plant_scores[name, algorithm] for plant_scores in found]
        worst = np.quantile(values, 0.1)
        figures = (statistics.mean(values), statistics.median(values), worst, stable)
        yield _row(name, algorithm, *(f"{figure:.2f}" for figure in figures))


def _rule(pool: ProcessPoolExecutor, seeds: Sequence[int]) -> Iterator[str]:
    """Say which pair is recommended: the table that the decision is read from."""
    plants = list(pool.map(on_plant, seeds))
    pairs = _pairs(IN_DATABASE)
    found = _outcomes(pool, tuple(WITNESSES), pairs, FEW, 0)
    kept = dict(zip(pairs, pool.map(stability_of, *zip(*pairs, strict=True)), strict=True))
    scores = {
        pair: weighted(
            {name: found[name, *pair].middle for name in WITNESSES},
            statistics.mean(each[pair] for each in plants),
        )
        for pair in pairs
    }
    several = [name for name, each in WITNESSES.items() if each.several]
    gaps = behind(scores)
    yield from _head(
        *("features", "algorithm", "plants", *several, "one sensor", "mean", "behind", "stability")
    )
    for pair in pairs:
        figures = (*scores[pair], statistics.mean(scores[pair]))
        gap = f"{gaps[pair][0]:.3f} ± {gaps[pair][1]:.3f}"
        yield _row(*pair, *(f"{figure:.2f}" for figure in figures), gap, f"{kept[pair]:.2f}")
    yield f"Recommended: {' with '.join(recommended(scores, kept))}"


def on_plant(seed: int) -> dict[tuple[str, str], float]:
    """Return the ARI of every feature set and algorithm at a plant's own number of modes."""
    recording = plant(seed)
    number = int(recording.modes.max()) + 1
    result = {}
    for name in SETS:
        table = episode_features(recording.readings, recording.sensors, name)
        for algorithm in ALGORITHMS:
            with small_fits():
                modes, _ = assign(fit_pipeline(table, algorithm, number, seed), table)
            result[name, algorithm] = float(adjusted_rand_score(recording.modes, modes))
    return result


def stability_of(name: str, algorithm: str) -> float:
    """Return the mean stability on the shipped recordings for 3 to 6 clusters: no label counts."""
    values = []
    for recording in recordings():
        table = episode_features(recording.readings, recording.sensors, name).to_numpy()
        with small_fits():
            values += [stability(table, algorithm, clusters, 0) for clusters in range(3, 7)]
    return statistics.mean(values)


@dataclass(frozen=True)
class Outcome:
    """A feature set and an algorithm on one recording.

    Attributes
    ----------
    true
        At the true number of modes, for each seed.
    chosen
        The number that the product chooses; None is `NoStructure`, or not asked.
    at_chosen
        Median ARI at that number, or 0.
    """

    true: Sequence[Scores]
    chosen: int | None
    at_chosen: float

    @property
    def middle(self) -> float:
        """Median ARI at the true number."""
        return statistics.median(each.ari for each in self.true)


def _real(pool: ProcessPoolExecutor, seeds: Sequence[int]) -> Iterator[str]:
    names = tuple(f"lp{place}" for place in range(1, 6))
    found = _outcomes(pool, names, _pairs(), MANY, 8)
    yield from _compared(names, found)
    yield from pool.map(on_reference, SETS)


def _independent(pool: ProcessPoolExecutor, seeds: Sequence[int]) -> Iterator[str]:
    several = tuple(name for name, each in WITNESSES.items() if each.several)
    one = tuple(name for name in WITNESSES if name not in several)
    yield from _compared(several, _outcomes(pool, several, _pairs(), FEW, 12))
    yield from _compared(one, _outcomes(pool, one, _pairs(), FEW, 0), choosing=False)


def _outcomes(
    pool: ProcessPoolExecutor,
    names: Sequence[str],
    pairs: Sequence[Pair],
    seeds: int,
    most: int,
) -> dict[tuple[str, str, str], Outcome]:
    cases = [(name, *pair) for name in names for pair in pairs]
    same = [itertools.repeat(each) for each in (seeds, most)]
    found = pool.map(on_recording, *zip(*cases, strict=True), *same)
    return dict(zip(cases, found, strict=True))


def on_recording(name: str, features: str, algorithm: str, seeds: int, most: int) -> Outcome:
    """Compare the modes with the labels: at their number, and at one up to `most` (0: none)."""
    recording = witness(name) if name in WITNESSES else recordings()[int(name[2:]) - 1]
    table = episode_features(recording.readings, recording.sensors, features)

    def fitted(number: int) -> list[Scores]:
        return [scores(recording, table, algorithm, number, seed) for seed in range(seeds)]

    true = fitted(int(recording.modes.max()) + 1)
    if not most or features not in CHOOSING:
        return Outcome(true, None, 0.0)
    chosen = choose(table, algorithm, 2, most, 42).chosen
    reached = [each.ari for each in fitted(chosen)] if chosen is not None else [0.0]
    return Outcome(true, chosen, statistics.median(reached))


def _compared(
    names: Sequence[str],
    found: Mapping[tuple[str, str, str], Outcome],
    choosing: bool = True,
) -> Iterator[str]:
    """Yield tables: ARI at the chosen number and at the true one, and the means of the others."""
    if choosing:
        yield from _head("features", "algorithm", *names, "mean")
        for pair in _pairs(CHOOSING):
            row = [found[name, *pair] for name in names]
            mean = statistics.mean(each.at_chosen for each in row)
            yield _row(*pair, *map(_chosen, row), f"{mean:.2f}")
        yield ""
    yield from _head("features", "algorithm", *names, "mean")
    for pair in _pairs():
        row = [found[name, *pair] for name in names]
        cells = [_range([score.ari for score in each.true]) for each in row]
        yield _row(*pair, *cells, f"{statistics.mean(each.middle for each in row):.2f}")
    yield ""
    yield from _head("features", "algorithm", "NMI", "macro F1", "silhouette")
    for pair in _pairs():
        row = [found[name, *pair] for name in names]
        yield _row(*pair, *(_mean(row, field) for field in ("nmi", "f1", "silhouette")))
    yield ""


def _chosen(outcome: Outcome) -> str:
    return f"{outcome.chosen}: {outcome.at_chosen:.2f}" if outcome.chosen else "NoStructure"


def _mean(row: Sequence[Outcome], field: str) -> str:
    middles = [statistics.median(getattr(score, field) for score in each.true) for each in row]
    return f"{statistics.mean(middles):.2f}"


def on_reference(name: str) -> str:
    """Return the row of the reference file's labelled rows, each as an episode of one reading."""
    rows = pd.read_csv(SHIPPED / "reference/data_sensors.csv").dropna(subset="Label")
    readings = rows.drop(columns="Label").reset_index(drop=True)
    readings.insert(0, "episode", readings.index)
    table = episode_features(readings, tuple(readings.columns[1:]), name)
    chosen = choose(table, "kmeans", 2, 8, 42).chosen
    said = "NoStructure" if chosen is None else "structure"
    return _row("reference", name, "kmeans", f"{chosen or '-'} (chosen)", *[said] * 4)


def scores(
    recording: Recording, table: pd.DataFrame, algorithm: str, clusters: int, seed: int
) -> Scores:
    """Fit once, and compare the modes with the recording's."""
    with small_fits():
        pipeline = fit_pipeline(table, algorithm, clusters, seed)
        modes, _ = assign(pipeline, table)
    labels = [str(mode) for mode in recording.modes]
    found = match([int(mode) for mode in modes], labels, clusters)
    apart = len(set(modes)) > 1
    return Scores(
        ari=float(adjusted_rand_score(recording.modes, modes)),
        nmi=float(normalized_mutual_info_score(recording.modes, modes)),
        f1=0.0 if found is None else found.f1,
        silhouette=float(silhouette_score(scaled(pipeline, table), modes)) if apart else 0.0,
    )


def recordings() -> list[Recording]:
    """Return the shipped recordings of robot failures, lp1 to lp5."""
    files = sorted((SHIPPED / "robot-failures").glob("lp*.data.txt"))
    return [_recorded(file) for file in files]


def _recorded(file: Path) -> Recording:
    spans = [span for span in read_recording(file).spans if span.failing]
    rows = [{"episode": place} | row for place, span in enumerate(spans) for row in span.readings]
    readings = pd.DataFrame(rows)
    names = sorted({str(span.label) for span in spans})
    modes = np.array([names.index(str(span.label)) for span in spans], dtype=np.int64)
    return Recording(readings, tuple(readings.columns[1:]), modes)


def _pairs(sets: Sequence[str] | None = None) -> list[Pair]:
    return list(itertools.product(SETS if sets is None else sets, ALGORITHMS))


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    middle = f"{statistics.median(values):.2f}"
    return middle if high - low < 0.005 else f"{middle} ({low:.2f} to {high:.2f})"


def _head(*names: str) -> list[str]:
    return [_row(*names), _row(*("---" for _ in names))]


def _row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


_TABLES = {
    "noise": _noise,
    "chosen-noise": _chosen_noise,
    "synthetic": _synthetic,
    "independent": _independent,
    "rule": _rule,
    "real": _real,
}

if __name__ == "__main__":
    main(sys.argv[1:])
