"""The model as predictors serve it: readings in, failure modes out.

Shipped inside each model beside the modules that it imports relatively, and nothing else of the
project. The signature's columns stay for ever, and later ones come after them: in go `episode`
(string), `timestamp` (string, optional) and one double a sensor (optional); out come `episode`
(string), `mode` (long), `distance` (double), `model_version` (string), `name` (string) and
`novelty` (double).
"""

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml
from mlflow.exceptions import MlflowException

from .assignment import assign
from .features import MissingSensor, episode_features
from .moments import BadTimestamp

PARAMETERS = "parameters.json"
PIPELINE = "pipeline.pkl"
_BY_REGISTRY = "registered_model_meta"


class BadInput(ValueError):
    """The input holds no reading, or one that belongs to no episode."""


class FailureModes:
    """Finds the failure mode of each episode.

    Parameters
    ----------
    sensors, feature_set
        How the features are computed.
    pipeline : sklearn.pipeline.Pipeline
        What the features are scaled with, and the clusters.
    version
        Version that MLflow resolved the model from; empty when loaded by run or path.
    names : length (clusters)
        What each cluster is called: its label, or the number that its mode keeps for ever.
    labels
        Cluster → label given by people, where there is one.
    thresholds : length (clusters)
        Distance above which an episode is unlike any known mode; None where that is not known.
    code
        Name of the package that the model was made with.
    """

    def __init__(
        self,
        sensors: Sequence[str],
        feature_set: str,
        pipeline: Any,
        version: str = "",
        names: Sequence[str] = (),
        labels: Mapping[int, str] | None = None,
        thresholds: Sequence[float] | None = None,
        code: str = "",
    ) -> None:
        self.sensors = list(sensors)
        self.feature_set = feature_set
        self.pipeline = pipeline
        self.version = version
        self.names = list(names)
        self.labels = dict(labels or {})
        self.thresholds = thresholds
        self.code = code

    def predict(self, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Return one row an episode, in order of first appearance.

        Parameters
        ----------
        model_input
            One row a reading; those of an episode in order of their timestamps, or as they
            stand where there are none.
        params
            Unused: the model has none.

        Returns
        -------
        DataFrame
            ``episode``, ``mode`` (number of the cluster), ``distance`` (Euclidean, to the
            cluster's centre in the space of :func:`.assignment.scaled`), ``model_version``,
            ``name`` and ``novelty`` (distance in units of the mode's threshold: above 1, the
            episode is unlike any known mode; NaN where the threshold is not known).

        Raises
        ------
        MlflowException
            If there is no reading, a reading of no episode, a timestamp that is none, or an
            episode without a usable reading of a sensor; the server answers 400 with the sentence.
        """
        try:
            _refuse_unknown(model_input)
            features = episode_features(model_input, self.sensors, self.feature_set)
        except (BadInput, BadTimestamp, MissingSensor) as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        modes, distances = assign(self.pipeline, features)
        return pd.DataFrame(
            {
                "episode": features.index.astype(str).to_numpy(dtype=object),
                "mode": modes,
                "distance": distances,
                "model_version": self.version,
                "name": [self.call(int(mode)) for mode in modes],
                "novelty": self.novelty(modes, distances),
            }
        )

    def call(self, mode: int) -> str:
        """Return what a cluster is called."""
        return self.names[mode] if mode < len(self.names) else f"mode {mode}"

    def novelty(
        self, modes: npt.NDArray[np.int64], distances: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Return the distances in units of the modes' thresholds; NaN where these are unknown."""
        if self.thresholds is None:
            return np.full(len(modes), np.nan)
        return np.asarray(distances / np.asarray(self.thresholds)[modes])


def _refuse_unknown(readings: pd.DataFrame) -> None:
    if readings.empty:
        raise BadInput("there is no reading; send one row for each reading of an episode")
    unnamed = readings["episode"].isna().to_numpy()
    if unnamed.any():
        raise BadInput(
            f"row {int(unnamed.argmax()) + 1} names no episode; give all readings of one episode "
            "the same text in the column episode"
        )


def save(folder: Path, model: FailureModes) -> None:
    """Write what :func:`load` reads: all but the version."""
    parameters = {
        "sensors": model.sensors,
        "feature_set": model.feature_set,
        "names": model.names,
        "labels": {str(mode): label for mode, label in model.labels.items()},
        "thresholds": None if model.thresholds is None else list(model.thresholds),
        "code": model.code,
    }
    (folder / PARAMETERS).write_text(json.dumps(parameters, ensure_ascii=False), "utf-8")
    (folder / PIPELINE).write_bytes(pickle.dumps(model.pipeline))


def load(folder: Path, version: str = "") -> FailureModes:
    """Return the model in a folder; an older one knows less of itself."""
    parameters = json.loads((folder / PARAMETERS).read_text("utf-8"))
    # The file lies in the model that the caller chose to load.
    pipeline = pickle.loads((folder / PIPELINE).read_bytes())  # noqa: S301
    labels = {int(mode): label for mode, label in parameters.pop("labels", {}).items()}
    return FailureModes(pipeline=pipeline, version=version, labels=labels, **parameters)


def _load_pyfunc(path: str) -> FailureModes:
    """Load the model from its data folder; MLflow finds this function by its name."""
    folder = Path(path)
    return load(folder, _registered_version(folder))


def _registered_version(data: Path) -> str:
    """Return the version in the file that MLflow leaves when it loads ``models:/…``.

    The file lies in the model's root folder; how deep the data lie is MLflow's affair.
    """
    roots = (folder for folder in data.parents if (folder / "MLmodel").is_file())
    meta = next(roots, data) / _BY_REGISTRY
    if not meta.is_file():
        return ""
    return str(yaml.safe_load(meta.read_text("utf-8")).get("model_version", ""))
