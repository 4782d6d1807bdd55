"""How good the models are: `python -m bench.quality noise|synthetic|real`.

`noise` counts false alarms: how often noise passes for structure. `synthetic` compares feature
sets and algorithms on invented plants, whose modes are known, and by what can be told without
labels on the shipped recordings. `real` compares them with the labels of those recordings.
"""

import argparse
import itertools
import statistics
import sys
from collections.abc import Iterator, Sequence
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

from bench.synthetic import NOISE, Recording, noise, plant
from trainer_job import clustering
from trainer_job.assignment import assign, scaled
from trainer_job.clustering.algorithms import ALGORITHMS, fit_pipeline
from trainer_job.clustering.selection import choose, stability
from trainer_job.clustering.structure import null_band, size_floor, small_fits
from trainer_job.evaluation.matching import match
from trainer_job.features import FEATURE_SETS, episode_features
from trainer_job.formats import read_recording

SHIPPED = Path(__file__).parents[1] / "examples/data"
SETS = tuple(FEATURE_SETS)
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
    parser.add_argument("--seeds", type=int, default=30, help="seeds, plants or repetitions")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    given = parser.parse_args(arguments)
    for name in given.tables:
        with ProcessPoolExecutor(given.jobs) as pool:
            for line in _TABLES[name](pool, given.seeds):
                print(line, flush=True)


def _noise(pool: ProcessPoolExecutor, repetitions: int) -> Iterator[str]:
    yield from _head("noise", "episodes", *SETS)
    cases = list(itertools.product(NOISE, (10, 30, 100, 500)))
    for (kind, episodes), row in zip(
        cases,
        pool.map(false_alarms, *zip(*cases, strict=True), itertools.repeat(repetitions)),
        strict=True,
    ):
        yield _row(kind, episodes, *(f"{row[name]:.2f}" for name in SETS))


def false_alarms(kind: str, episodes: int, repetitions: int) -> dict[str, float]:
    """Return the share of tables of noise that pass for three clusters, by feature set.

    Three, as the default. The band is drawn 19 times: its largest is the 95th percentile.
    """
    alarms = dict.fromkeys(SETS, 0)
    for seed, name in itertools.product(range(repetitions), SETS):
        recording = noise(kind, episodes, seed)
        table = episode_features(recording.readings, recording.sensors, name)
        fit = clustering.fit(table, "kmeans", 3, seed)
        if np.bincount(fit.modes).min() >= size_floor(episodes):
            band = null_band(table, "kmeans", 3, seed, draws=19)
            alarms[name] += band is not None and band.exceeded
    return {name: count / repetitions for name, count in alarms.items()}


def _synthetic(pool: ProcessPoolExecutor, plants: int) -> Iterator[str]:
    found = list(pool.map(on_plant, range(plants)))
    kept = list(pool.map(stability_of, *zip(*_pairs(), strict=True)))
    yield from _head("features", "algorithm", "ARI mean", "ARI median", "worst tenth", "stability")
    for (name, algorithm), stable in zip(_pairs(), kept, strict=True):
        values = [plant_scores[name, algorithm] for plant_scores in found]
        worst = np.quantile(values, 0.1)
        figures = (statistics.mean(values), statistics.median(values), worst, stable)
        yield _row(name, algorithm, *(f"{figure:.2f}" for figure in figures))


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


def _real(pool: ProcessPoolExecutor, seeds: int) -> Iterator[str]:
    heads = ("data", "features", "algorithm", "k", "ARI", "NMI", "macro F1", "silhouette")
    yield from _head(*heads)
    cases = [(place, *pair) for place in range(5) for pair in _pairs()]
    for lines in pool.map(on_shipped, *zip(*cases, strict=True), itertools.repeat(seeds)):
        yield from lines
    yield from pool.map(on_reference, SETS)


def on_shipped(place: int, name: str, algorithm: str, seeds: int) -> list[str]:
    """Return the rows of one recording: at the number of its labels, and at the chosen one."""
    recording = recordings()[place]
    table = episode_features(recording.readings, recording.sensors, name)
    true = int(recording.modes.max()) + 1
    chosen = choose(table, algorithm, 2, 8, 42).chosen
    rows = []
    for what, number in ((f"{true} (labels)", true), (f"{chosen or '-'} (chosen)", chosen)):
        if number is None:
            rows.append(_row(f"lp{place + 1}", name, algorithm, what, *["NoStructure"] * 4))
            continue
        found = [scores(recording, table, algorithm, number, seed) for seed in range(seeds)]
        columns = [[getattr(score, field) for score in found] for field in Scores.__annotations__]
        rows.append(_row(f"lp{place + 1}", name, algorithm, what, *map(_range, columns)))
    return rows


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


def _pairs() -> list[tuple[str, str]]:
    return list(itertools.product(SETS, ALGORITHMS))


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    middle = f"{statistics.median(values):.2f}"
    return middle if high - low < 0.005 else f"{middle} ({low:.2f} to {high:.2f})"


def _head(*names: str) -> list[str]:
    return [_row(*names), _row(*("---" for _ in names))]


def _row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


_TABLES = {"noise": _noise, "synthetic": _synthetic, "real": _real}

if __name__ == "__main__":
    main(sys.argv[1:])
