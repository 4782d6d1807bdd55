"""A model's folder in MLflow's storage format, which all its tools read.

https://mlflow.org/docs/latest/ml/model/#storage-format. MLflow's ``save_model`` writes the same
folder, but compares the requirements with all packages that are installed, which takes longer
than the fit of a small run; and the module of each flavour has to be imported first.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from mlflow.models import Model, ModelSignature

PYFUNC = "python_function"
"""The flavour that every MLflow tool can serve, and which says what has to be installed."""

EXAMPLE, SERVED_EXAMPLE = "input_example.json", "serving_input_example.json"
_REQUIREMENTS, _CONDA, _PYTHON = "requirements.txt", "conda.yaml", "python_env.yaml"


def write(
    folder: Path,
    flavours: Mapping[str, Mapping[str, object]],
    requirements: Sequence[str],
    signature: ModelSignature | None = None,
    example: pd.DataFrame | None = None,
) -> None:
    """Add to a folder that holds data and code what makes it a model of MLflow.

    Parameters
    ----------
    folder
        Exists, with what the flavours name.
    flavours
        Name → how it loads the model. `PYFUNC` gets version and environment of Python beside.
    requirements
        What a predictor has to install, with exact versions.
    signature
        The columns that go in and come out.
    example
        A few rows that the model answers.
    """
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    model = Model(signature=signature, model_size_bytes=size)
    for name, options in flavours.items():
        more = _python() if name == PYFUNC else {}
        model.add_flavor(name, **options, **more)
    if example is not None:
        model.saved_input_example_info = _write_example(folder, example)
    _write_environment(folder, list(requirements))
    model.save(str(folder / "MLmodel"))


def split(table: pd.DataFrame) -> dict[str, Any]:
    """Return a table as JSON in the orientation *split*, where a gap is null."""
    values = table.astype(object)
    found: dict[str, Any] = values.where(values.notna(), None).to_dict(orient="split", index=False)
    return found


def _python() -> dict[str, object]:
    environment = {"conda": _CONDA, "virtualenv": _PYTHON}
    return {"python_version": platform.python_version(), "env": environment}


def _write_example(folder: Path, example: pd.DataFrame) -> dict[str, str]:
    content = split(example)
    (folder / EXAMPLE).write_text(json.dumps(content), "utf-8")
    (folder / SERVED_EXAMPLE).write_text(json.dumps({"dataframe_split": content}), "utf-8")
    return {
        "artifact_path": EXAMPLE,
        "type": "dataframe",
        "pandas_orient": "split",
        "serving_input_path": SERVED_EXAMPLE,
    }


def _write_environment(folder: Path, requirements: list[str]) -> None:
    """Write the requirements three times: for pip, for a virtual environment and for conda."""
    (folder / _REQUIREMENTS).write_text("\n".join(requirements), "utf-8")
    tools = [_pinned(name, "==") for name in ("pip", "setuptools", "wheel")]
    installed = {"build_dependencies": tools, "dependencies": [f"-r {_REQUIREMENTS}"]}
    _write_yaml(folder / _PYTHON, {"python": platform.python_version(), **installed})
    # Conda's pip may lag behind the newest.
    base = [f"python={platform.python_version()}", _pinned("pip", "<=")]
    environment = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [*base, {"pip": requirements}],
    }
    _write_yaml(folder / _CONDA, environment)


def _pinned(package: str, operator: str) -> str:
    """Return a package with its version here; without where it is not installed."""
    try:
        return f"{package}{operator}{version(package)}"
    except PackageNotFoundError:
        return package


def _write_yaml(file: Path, content: Mapping[str, object]) -> None:
    file.write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
