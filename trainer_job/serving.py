"""The model as predictors serve it: readings in, failure modes out.

Shipped inside each model beside :mod:`trainer_job.features`, hence the relative import and
nothing else of the project. The signature stays for ever: `episode` (string), `timestamp`
(string, optional), one double a sensor (optional); out come `episode` (string), `mode` (long),
`distance` (double), `model_version` (string).
"""

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from mlflow.exceptions import MlflowException

from .features import MissingSensor, episode_features

PARAMETERS = "parameters.json"
PIPELINE = "pipeline.pkl"
_BY_REGISTRY = "registered_model_meta"


class FailureModes:
    """Finds the failure mode of each episode.

    Parameters
    ----------
    sensors, feature_set
        How the features are computed.
    pipeline : sklearn.pipeline.Pipeline
        Scaler and clusters.
    version
        Version that MLflow resolved the model from; empty when loaded by run or path.
    """

    def __init__(
        self, sensors: Sequence[str], feature_set: str, pipeline: Any, version: str = ""
    ) -> None:
        self.sensors = list(sensors)
        self.feature_set = feature_set
        self.pipeline = pipeline
        self.version = version

    def predict(self, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Return one row an episode, in order of first appearance.

        Parameters
        ----------
        model_input
            One row a reading. The order of readings does not matter to these features.
        params
            Unused: the model has none.

        Returns
        -------
        DataFrame
            ``episode``, ``mode`` (number of the cluster), ``distance`` (Euclidean, to the
            cluster's centre in standardised feature space) and ``model_version``.

        Raises
        ------
        MlflowException
            If an episode has no usable reading of a sensor; the server answers 400.
        """
        try:
            features = episode_features(model_input, self.sensors, self.feature_set)
        except MissingSensor as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        distances = self.pipeline.transform(features)
        return pd.DataFrame(
            {
                "episode": features.index.astype(str).to_numpy(dtype=object),
                "mode": distances.argmin(axis=1).astype("int64"),
                "distance": distances.min(axis=1),
                "model_version": self.version,
            }
        )


def save(folder: Path, sensors: Sequence[str], feature_set: str, pipeline: Any) -> None:
    """Write what :func:`_load_pyfunc` reads."""
    parameters = {"sensors": list(sensors), "feature_set": feature_set}
    (folder / PARAMETERS).write_text(json.dumps(parameters, ensure_ascii=False), "utf-8")
    (folder / PIPELINE).write_bytes(pickle.dumps(pipeline))


def _load_pyfunc(path: str) -> FailureModes:
    """Load the model from its data folder; MLflow finds this function by its name."""
    folder = Path(path)
    parameters = json.loads((folder / PARAMETERS).read_text("utf-8"))
    # The file lies in the model that the caller chose to load.
    pipeline = pickle.loads((folder / PIPELINE).read_bytes())  # noqa: S301
    version = _registered_version(folder)
    return FailureModes(parameters["sensors"], parameters["feature_set"], pipeline, version)


def _registered_version(data: Path) -> str:
    """Return the version in the file that MLflow leaves when it loads ``models:/…``.

    The file lies in the model's root folder; how deep the data lie is MLflow's affair.
    """
    roots = (folder for folder in data.parents if (folder / "MLmodel").is_file())
    meta = next(roots, data) / _BY_REGISTRY
    if not meta.is_file():
        return ""
    return str(yaml.safe_load(meta.read_text("utf-8")).get("model_version", ""))
