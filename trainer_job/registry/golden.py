"""Golden episodes: a few whose answers are known, for a predictor to be asked."""

import math
from typing import Any

import pandas as pd

from trainer_job import reasons
from trainer_job.errors import JobError
from trainer_job.registry import folders, packaging
from trainer_job.serving import FailureModes
from trainer_job.trained import TrainedModel

RELATIVE, ABSOLUTE = 1e-6, 1e-4
"""Differences of a distance, in standard deviations, that are arithmetic's and not the model's.

The absolute one counts close to a centre, where a distance is the difference of nearly equal
numbers.
"""


def make(trained: TrainedModel) -> dict[str, Any]:
    """Return the sample's readings with the answers that a predictor must give.

    Returns
    -------
    dict
        ``request``: body for ``/invocations``; ``answers``: episode, mode and distance of each.

    Raises
    ------
    JobError
        If these answers are not those of the training: the features of the database and those
        of the predictor would differ.
    """
    model = packaging.served(trained)
    table = model.predict(trained.sample)[["episode", "mode", "distance"]]
    answers = _records(table)
    if difference := first_difference(_trained(trained, list(table["episode"])), answers):
        raise JobError(
            reasons.INTERNAL_ERROR,
            "The model gives other answers on readings than on the features that it was trained "
            f"on: {difference}. Nothing was registered. This is a fault of the program: report "
            "it with the log.",
        )
    return {"request": {"dataframe_split": folders.split(trained.sample)}, "answers": answers}


def check(model: FailureModes, known: dict[str, Any]) -> str:
    """Return the first answer of a model that is not the known one, as words; empty if none."""
    readings = known["request"]["dataframe_split"]
    table = pd.DataFrame(readings["data"], columns=readings["columns"])
    return first_difference(known["answers"], _records(model.predict(table)))


def first_difference(expected: list[dict[str, Any]], given: list[dict[str, Any]]) -> str:
    """Return the first answer that is not the expected one, as words; empty if all are right."""
    by_episode = {str(answer.get("episode")): answer for answer in given}
    for right in expected:
        episode = right["episode"]
        answer = by_episode.get(episode)
        if answer is None:
            return f"no answer for episode {episode}"
        if answer.get("mode") != right["mode"]:
            return f"episode {episode}: mode {answer.get('mode')}, not {right['mode']}"
        if not _close(answer.get("distance"), right["distance"]):
            return f"episode {episode}: distance {answer.get('distance')}, not {right['distance']}"
    return ""


def _close(given: object, right: float) -> bool:
    return isinstance(given, int | float) and math.isclose(
        given, right, rel_tol=RELATIVE, abs_tol=ABSOLUTE
    )


def _trained(trained: TrainedModel, episodes: list[str]) -> list[dict[str, Any]]:
    """Return what the training said of episodes; of one that it never saw, no mode."""
    fit = trained.clustering
    known = pd.DataFrame(
        {"mode": fit.modes, "distance": fit.distances}, index=trained.features.index.astype(str)
    )
    return _records(known.reindex(episodes).rename_axis("episode").reset_index())


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): value for name, value in row.items()} for row in table.to_dict(orient="records")
    ]
