"""Evidence of a model that passes every gate, for the tests to spoil."""

from typing import Any

import pandas as pd

from trainer_job.clustering.structure import NullBand
from trainer_job.continuity import Continuity
from trainer_job.contract import Comparison
from trainer_job.evaluation import Evidence, LabelScore


def make_labels(f1: float = 0.82, **parts: Any) -> LabelScore:
    values: dict[str, Any] = {
        "on": "Holdout",
        "ari": 0.61,
        "v_measure": 0.64,
        "best_possible": 1.0,
        "names": {},
        "labels": 3,
        "episodes": 117,
        "table": pd.DataFrame(),
    }
    return LabelScore(f1=f1, **values | parts)


def make_null(observed: float = 0.3, p95: float = 0.2) -> NullBand:
    return NullBand(observed, median=0.15, p95=p95, draws=99, episodes=60)


def make_comparison(low: float = -0.02, high: float = 0.06, measure: str = "F1") -> Comparison:
    return Comparison.model_validate(
        {
            "measure": measure,
            "episodes": 84,
            "digest": "0123456789abcdef",
            "difference": (low + high) / 2,
            "low": low,
            "high": high,
        }
    )


def make_continuity(**parts: Any) -> Continuity:
    nothing: dict[str, Any] = {"lost": (), "split": (), "merged": (), "dormant": ()}
    sizes = {4: 12, 7: 9, 8: 2}
    return Continuity(matches=(7, 4, None), episodes=sizes, **nothing | parts)


def make_evidence(**parts: Any) -> Evidence:
    values: dict[str, Any] = {
        "silhouette": 0.218,
        "sizes": (30, 20, 10),
        "labels": make_labels(),
        "null": make_null(),
        "champion": "6",
        "comparison": make_comparison(),
        "continuity": make_continuity(),
    }
    return Evidence(**values | parts)
