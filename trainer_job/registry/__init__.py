"""MLflow: the run's record for people, and the registry that predictors load from."""

import os

# MLflow reads most of its settings when it is called, the first one when it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# A project that happens to lie in the working directory is no part of the model.
os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
# A lost reply to a create would become a second run or version; what can safely be asked again
# is asked again by `Tracking.ask`.
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
