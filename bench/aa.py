"""How often luck decides between two models: ``python -m bench.aa [REPETITIONS]``.

Two models of the same recipe, each fitted on its half of a plant's machine-days, are compared on
held-out days: whoever is promoted or rejected then is so by luck. A recipe that is truly worse
shows beside them whether a rule sees anything at all.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from trainer_job import clustering
from trainer_job.assignment import assign
from trainer_job.contract import ChampionSpec, Comparison, GatesSpec
from trainer_job.evaluation import Assignment, Evidence, Inconclusive, champion, compare, match
from trainer_job.evaluation.comparison import HeldOut
from trainer_job.holdout import blocks, held_out_blocks

Integers = npt.NDArray[np.int64]

MODES, DIMENSIONS, EPISODES_A_DAY = 4, 6, 4
EPOCH = datetime(2026, 1, 1, 12, tzinfo=UTC)

RULES = {
    "no worse than 0.0": None,
    "not surely worse by .05": ChampionSpec(inconclusive="Reject"),
    "surely better (minImprovement 0)": ChampionSpec(inconclusive="Reject", min_improvement=0.0),
}
"""The rule that luck decides, and ours; None is the plain comparison of two scores."""


@dataclass(frozen=True)
class Case:
    """What is compared.

    Attributes
    ----------
    name
        What it is called.
    days
        Machine-days of the plant, of which one in five is held out.
    worse
        Whether the challenger gets too few clusters.
    labelled
        Whether people have named the held-out episodes.
    """

    name: str
    days: int
    worse: bool = False
    labelled: bool = True


CASES = (
    Case("same recipe, F1, small holdout", 60),
    Case("same recipe, F1, large holdout", 300),
    Case("same recipe, separation, small holdout", 60, labelled=False),
    Case("same recipe, separation, large holdout", 300, labelled=False),
    Case("worse recipe, F1, small holdout", 60, worse=True),
    Case("worse recipe, F1, large holdout", 300, worse=True),
    Case("worse recipe, separation, large holdout", 300, worse=True, labelled=False),
)


def plant(days: int, seed: int) -> tuple[pd.DataFrame, Integers, Integers]:
    """Invent the features of a plant's episodes.

    Returns
    -------
    features : shape (episodes, dimensions)
        Four kinds of failures that overlap; each day has a shift of its own.
    modes, days : shape (episodes,)
        The kind of each, and its day.
    """
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), EPISODES_A_DAY)
    modes = rng.choice(MODES, len(day), p=[0.4, 0.3, 0.2, 0.1])
    centres = rng.normal(scale=1.7, size=(MODES, DIMENSIONS))
    shifts = rng.normal(scale=0.4, size=(days, DIMENSIONS))
    noise = rng.normal(size=(len(day), DIMENSIONS))
    return pd.DataFrame(centres[modes] + shifts[day] + noise), modes, day


def play(case: Case, seed: int) -> Comparison | Inconclusive:
    """Fit champion and challenger on halves of what is not held out, and compare them."""
    features, modes, day = plant(case.days, seed)
    labels = np.array([f"kind {mode}" for mode in modes], dtype=object)
    started = [(EPOCH + timedelta(days=int(each))).replace(tzinfo=None) for each in day]
    where = blocks(["press"] * len(day), np.array(started, "datetime64[s]"))
    held = held_out_blocks(str(seed), where, 0.2)
    half = np.random.default_rng((seed, 1)).permutation(case.days)[day] % 2
    sides = []
    for number, clusters in ((0, MODES - 2 if case.worse else MODES), (1, MODES)):
        part = ~held & (half == number)
        with threadpool_limits(1):  # for so small tables, threads wait longer than they work
            fitted = clustering.fit(features[part], "kmeans", clusters, seed)
        named = match(fitted.modes, labels[part], clusters)
        names = {} if named is None else named.names
        sides.append(Assignment(assign(fitted.pipeline, features[held])[0], names))
    rows = np.flatnonzero(held)
    known = labels[rows].tolist() if case.labelled else [None] * len(rows)
    space = features[held].to_numpy() / features[held].std(ddof=0).to_numpy()
    held_out = HeldOut(rows.tolist(), known, [where[row] for row in rows], space)
    return compare(sides[0], sides[1], held_out, seed)


def promoted(rule: ChampionSpec | None, found: Comparison | Inconclusive) -> bool:
    """Say whether a rule puts the challenger in service."""
    if rule is None:
        return isinstance(found, Comparison) and found.difference >= 0
    evidence = Evidence(silhouette=None, sizes=(), champion="1", comparison=found)
    return champion.check(evidence, GatesSpec(champion=rule)).passed


def table(cases: Sequence[Case], repetitions: int) -> str:
    """Play every case, and return the part of the challengers that each rule promotes.

    A case has a row for each measure by which it was compared: one label that is rare among the
    held-out episodes is enough for the weaker one.
    """
    head = ["challenger", "compared by", "times", "held out", "SD of difference", *RULES]
    lines = [head, ["---"] * len(head)]
    for case in cases:
        found = [play(case, seed) for seed in range(repetitions)]
        by_measure: dict[str, list[Comparison | Inconclusive]] = {}
        for each in found:
            measure = each.measure if isinstance(each, Comparison) else "not compared"
            by_measure.setdefault(measure, []).append(each)
        lines += [_row(case, measure, some) for measure, some in sorted(by_measure.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(case: Case, measure: str, found: Sequence[Comparison | Inconclusive]) -> list[str]:
    told = [each for each in found if isinstance(each, Comparison)]
    return [
        case.name,
        measure,
        str(len(found)),
        f"{np.mean([each.episodes for each in told]):.0f}" if told else "",
        f"{np.std([each.difference for each in told]):.3f}" if told else "",
        *(f"{np.mean([promoted(rule, each) for each in found]):.0%}" for rule in RULES.values()),
    ]


if __name__ == "__main__":
    print(table(CASES, int(sys.argv[1]) if len(sys.argv) > 1 else 100))
