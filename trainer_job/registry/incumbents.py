"""The version in service under the alias, with its model: what a new one is compared with."""

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trainer_job.errors import BadConfiguration, JobError
from trainer_job.holdout import Rule
from trainer_job.registry import files, golden, lookup, packaging
from trainer_job.registry.tracking import Tracking
from trainer_job.serving import FailureModes, load


@dataclass(frozen=True)
class Incumbent:
    """The champion.

    Attributes
    ----------
    version
        Its number.
    run_uid
        The run that made it; None where it was not made by this trainer.
    rule
        Which episodes it was not fitted on; None where it says nothing of that.
    model
        What it predicts with; None where it cannot be used, for the reason `fault`.
    """

    version: str
    run_uid: str | None = None
    rule: Rule | None = None
    model: FailureModes | None = None
    fault: str = ""


SALT_TAG = "training.sensors.dev/holdout-salt"
"""Of a registered model: what decides which episodes are held out, in place of its name.

Another salt holds out other episodes: for when a holdout has been looked at too often.
"""


def find(tracking: Tracking, name: str, alias: str) -> tuple[Incumbent | None, str]:
    """Return the version that has an alias, None where there is none, and the name's salt."""
    registered = tracking.find(lambda client: client.get_registered_model(name))
    if registered is None:
        return None, name
    number = registered.aliases.get(alias)
    incumbent = None if number is None else _incumbent(tracking, name, number)
    return incumbent, registered.tags.get(SALT_TAG, name)


def recorded(tracking: Tracking, name: str, number: str | None) -> Incumbent | None:
    """Return the version that the run's first attempt found in service, None where there was none.

    What has the alias now may be the run's own version, or one promoted since.
    """
    if number is None:
        return None
    version = tracking.find(lambda client: client.get_model_version(name, number))
    if version is None:
        return Incumbent(number, fault="it was deleted since the first attempt of this run")
    return _described(tracking, version)


def _incumbent(tracking: Tracking, name: str, number: object) -> Incumbent:
    version = tracking.ask(lambda client: client.get_model_version(name, str(number)))
    return _described(tracking, version)


def _described(tracking: Tracking, version: Any) -> Incumbent:
    number = str(version.version)
    if lookup.RUN_TAG not in version.tags:
        return Incumbent(number, fault="it was not made by this trainer")
    model, fault = _model(tracking, version)
    return Incumbent(
        number,
        run_uid=version.tags[lookup.RUN_TAG],
        rule=Rule.read(version.tags.get(lookup.HOLDOUT_TAG, "")),
        model=model,
        fault=fault,
    )


def _model(tracking: Tracking, version: Any) -> tuple[FailureModes | None, str]:
    """Return the model of a version, or why it cannot be used here.

    It is used with this release's code, because all its features come from the database. A model
    of other code must prove on its own known episodes that the answers are the same.
    """
    try:
        with TemporaryDirectory() as place:
            folder = Path(place)
            data = _get(tracking, version, f"{files.MODEL}/{packaging.DATA}", folder)
            # What is unpickled lies in the registry that this job writes to.
            model = load(data, str(version.version))
            if model.code != packaging.code_name():
                known = json.loads(_get(tracking, version, files.GOLDEN, folder).read_text("utf-8"))
                if difference := golden.check(model, known):
                    return None, f"this release answers otherwise than it does: {difference}"
            return model, ""
    except BadConfiguration as error:
        return None, f"its model cannot be fetched: {error.message}"
    except JobError:
        raise
    except Exception as error:
        return None, f"its model cannot be loaded: {type(error).__name__}: {error}"


def _get(tracking: Tracking, version: Any, path: str, folder: Path) -> Path:
    return Path(
        tracking.ask(lambda client: client.download_artifacts(version.run_id, path, str(folder)))
    )
