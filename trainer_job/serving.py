"""The model as predictors serve it: readings in, failure modes out.

Shipped inside each model beside :mod:`trainer_job.features`, hence the relative import and
nothing else of the project. The signature stays for ever: `episode` (string), `timestamp`
(string, optional), one double a sensor (optional); out come `episode` (string), `mode` (long),
`distance` (double), `model_version` (string).
"""

import json
import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel

from .features import MissingSensor, episode_features

_BY_REGISTRY = "registered_model_meta"


class FailureModeModel(PythonModel):
    """Finds the failure mode of each episode.

    Attributes
    ----------
    sensors_ : list of str
    feature_set_ : str
    pipeline_ : sklearn.pipeline.Pipeline
    version_ : str
        Version that MLflow resolved the model from; empty when loaded by run or path.
    """

    def load_context(self, context: Any) -> None:
        """Read scaler, clusters and feature layout from the model's folder."""
        parameters = json.loads(Path(context.artifacts["parameters"]).read_text("utf-8"))
        self.sensors_ = list(parameters["sensors"])
        self.feature_set_ = parameters["feature_set"]
        with Path(context.artifacts["pipeline"]).open("rb") as file:
            # The file lies in the model that the caller chose to load.
            self.pipeline_ = pickle.load(file)  # noqa: S301
        self.version_ = _registered_version(Path(context.artifacts["pipeline"]))

    def predict(self, context: Any, model_input: Any, params: Any = None) -> pd.DataFrame:
        """Return one row an episode, in order of first appearance.

        Parameters
        ----------
        context
            Unused: everything was read by :meth:`load_context`.
        model_input : DataFrame
            One row a reading. The order of readings does not matter to these features.
        params
            Unused: the model has none.

        Returns
        -------
        DataFrame
            ``episode``, ``mode`` (number of the cluster), ``distance`` (Euclidean, to the
            cluster's centre in standardised feature space) and ``model_version``.
        """
        try:
            features = episode_features(model_input, self.sensors_, self.feature_set_)
        except MissingSensor as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        distances = self.pipeline_.transform(features)
        return pd.DataFrame(
            {
                "episode": features.index.astype(str).to_numpy(dtype=object),
                "mode": distances.argmin(axis=1).astype("int64"),
                "distance": distances.min(axis=1),
                "model_version": self.version_,
            }
        )


def _registered_version(artifact: Path) -> str:
    """Return the version in the file that MLflow leaves when it loads ``models:/…``.

    The file lies in the model's root folder; how deep an artifact lies is MLflow's affair.
    """
    for folder in artifact.parents:
        if (folder / "MLmodel").is_file():
            meta = folder / _BY_REGISTRY
            if meta.is_file():
                return str(yaml.safe_load(meta.read_text("utf-8")).get("model_version", ""))
            break
    return ""
