"""Data of reports, made of invented episodes."""

from typing import Any

import numpy as np
import pandas as pd

from trainer_job.clustering.selection import CurvePoint, Selection
from trainer_job.clustering.structure import NullBand
from trainer_job.contract import Champion, Comparison, Decision, Outcome
from trainer_job.evaluation.verdict import Answer, Verdict
from trainer_job.report import ReportData

REJECTED = Decision(
    outcome=Outcome.REJECTED,
    reason="F1TooLow",
    message="Macro F1 is 0.52, 0.70 needed.",
    champion=Champion(version="6"),
)


def make_report(
    episodes: int = 60, kinds: int = 3, sensors: tuple[str, ...] = ("Fx", "Fy"), **parts: Any
) -> ReportData:
    """Return the data of a model whose modes take turns and differ in the first sensor alone."""
    random = np.random.default_rng(0)
    numbers = np.arange(episodes) % kinds
    features = pd.DataFrame(
        random.normal(size=(episodes, 2 * len(sensors))),
        columns=[f"{sensor}_{statistic}" for sensor in sensors for statistic in ("mean", "std")],
        index=pd.Index(range(100, 100 + episodes), name="episode"),
    )
    features.iloc[:, 0] += 8.0 * numbers
    scaled = ((features - features.mean()) / features.std(ddof=0)).to_numpy()
    kept = range(min(episodes, 2 * kinds))
    readings = pd.DataFrame(
        random.normal(size=(4 * len(kept), len(sensors))), columns=list(sensors)
    )
    readings.insert(0, "timestamp", [f"2026-03-01T12:00:0{n % 4}Z" for n in range(len(readings))])
    readings.insert(0, "episode", [str(100 + n // 4) for n in range(len(readings))])
    data: dict[str, Any] = {
        "title": "sensor_failure_clustering",
        "features": features,
        "scaled": scaled,
        "modes": numbers,
        "distances": np.ones(episodes),
        "sensors": sensors,
        "feature_set": "basic",
        "algorithm": "kmeans",
        "readings": readings,
        "decision": REJECTED,
    }
    return ReportData(**data | parts)


def whole_report(**parts: Any) -> ReportData:
    """Return data with everything that a report can show."""
    labels = [("worn", "loose", None)[number % 3] for number in range(60)]
    everything: dict[str, Any] = {
        "silhouette": 0.61,
        "labels": labels,
        "names": {0: "worn"},
        "units": {"Fx": "N"},
        "verdicts": [
            Verdict(Answer.FAILED, "F1TooLow", "Macro F1 is 0.52."),
            Verdict(Answer.MANUAL, "ModeLost", "Mode 3 is lost."),
            Verdict(Answer.PASSED, "F1Unknown", "No label is known.", measured=False),
        ],
        "selection": make_selection(chosen=3, runner_up=4),
        "null": NullBand(observed=0.6, median=0.1, p95=0.2, draws=99, episodes=60),
        "comparison": Comparison(
            measure="F1", episodes=40, digest="d", difference=0.03, low=-0.04, high=0.1
        ),
        "margin": 0.05,
        "quality": pd.DataFrame({"what": ["readings"], "read": [1755], "dropped": [3]}),
        "facts": {"window": "the last 1h"},
    }
    return make_report(**everything | parts)


def make_selection(chosen: int | None, runner_up: int | None = None) -> Selection:
    """Return how a number of clusters was chosen of two to six."""
    curve = [
        CurvePoint(
            clusters=clusters,
            silhouette=0.6 - 0.05 * abs(clusters - 3),
            silhouette_error=0.02,
            null_p95=0.2,
            stability=1 - 0.1 * clusters,
            null_stability=0.3,
            smallest_cluster=10,
            candidate=clusters < 5,
        )
        for clusters in range(2, 7)
    ]
    return Selection(chosen, runner_up, tuple(curve), episodes=60)
