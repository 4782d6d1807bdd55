"""The flags of a direct run: one table, from which their help, values and names come."""

import argparse
import re
from typing import Literal, NamedTuple, get_args

from trainer_job.contract import DataSpec, FeaturesSpec, GatesSpec, Model, ModelSpec
from trainer_job.direct import Place, Value, Values, field_of


class Flag(NamedTuple):
    """A flag.

    Attributes
    ----------
    place
        Where its value stands in the run document.
    metavar, text
        What stands for the value, and help with the default.
    takes
        One value, none (a switch), or one each time that it is given.
    """

    place: Place
    metavar: str
    text: str
    takes: Literal["one", "none", "many"] = "one"


def _choice(model: type[Model], field: str) -> str:
    return "{" + ",".join(get_args(model.model_fields[field].annotation)) + "}"


def _default(model: type[Model], field: str) -> str:
    return f"({model.model_fields[field].default})"


FLAGS: dict[str, Flag] = {
    "--lookback": Flag(("data", "lookback"), "DURATION", "length of the window, as in 2h (1h)"),
    "--since": Flag(("data", "since"), "TIME", "start of the window, with --until"),
    "--until": Flag(("data", "until"), "TIME", "its end"),
    "--machine": Flag(("data", "machines"), "NAME", "only this one; repeatable (all)", "many"),
    "--min-episodes": Flag(
        ("data", "minEpisodes"),
        "N",
        f"skip the run below this {_default(DataSpec, 'min_episodes')}",
    ),
    "--extend-until": Flag(
        ("data", "extendUntil", "episodes"), "N", "widen the window until it holds so many episodes"
    ),
    "--extend-at-most": Flag(
        ("data", "extendUntil", "atMost"), "DURATION", "length that it then has at most"
    ),
    "--rebuild": Flag(("data", "rebuild"), "", "compute the features of all episodes anew", "none"),
    "--features": Flag(("features", "set"), _choice(FeaturesSpec, "set"), "feature set (basic)"),
    "--algorithm": Flag(
        ("model", "algorithm"), _choice(ModelSpec, "algorithm"), "how modes are found (kmeans)"
    ),
    "--clusters": Flag(("model", "clusters"), "N", "number of failure modes (3)"),
    "--cluster-range": Flag(
        ("model", "clusterRange"), "MIN-MAX", "choose the number of failure modes, as in 2-8"
    ),
    "--seed": Flag(
        ("model", "seed"), "N", f"makes the clusters repeatable {_default(ModelSpec, 'seed')}"
    ),
    "--name": Flag(
        ("model", "registeredName"), "NAME", f"registered {_default(ModelSpec, 'registered_name')}"
    ),
    "--min-f1": Flag(("gates", "minF1"), "F", "macro F1 that a promoted model has (0.7)"),
    "--min-silhouette": Flag(("gates", "minSilhouette"), "F", "silhouette that it has (0)"),
    "--unlabelled": Flag(
        ("gates", "unlabelled"), _choice(GatesSpec, "unlabelled"), "where no label is known (Skip)"
    ),
    "--structure": Flag(
        ("gates", "structure"), _choice(GatesSpec, "structure"), "clusters beyond chance (Require)"
    ),
    "--unchanged-data": Flag(
        ("gates", "unchangedData"), _choice(GatesSpec, "unchanged_data"), "nothing is new (Skip)"
    ),
    "--alias": Flag(("promotion", "alias"), "NAME", "what marks the model in service (production)"),
    "--tracking-uri": Flag(("tracking", "uri"), "URI", "MLflow server (http://mlflow:5000)"),
    "--experiment": Flag(("tracking", "experiment"), "NAME", "MLflow experiment"),
}

_NOT_IN_A_POD = (" in the Secret of spec.tracking.secretRef", " in the database Secret")
"""What messages say of the variables that a Secret holds."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add all flags; each is None where it is not given."""
    for flag, (_, metavar, text, takes) in FLAGS.items():
        if takes == "none":
            parser.add_argument(flag, help=text, action="store_const", const=True)
        else:
            action = "append" if takes == "many" else "store"
            parser.add_argument(flag, metavar=metavar, help=text, action=action)


def values(options: argparse.Namespace) -> Values:
    """Return what the flags of a direct run say."""
    return {
        place: Value(flag, given)
        for flag, (place, *_) in FLAGS.items()
        if (given := value(options, flag)) is not None
    }


def given(options: argparse.Namespace) -> list[str]:
    """Return the flags of a direct run that stand on the command line."""
    return [f for f in (*FLAGS, "--embedded", "--data") if value(options, f) is not None]


def value(options: argparse.Namespace, flag: str) -> object:
    """Return the value of a flag, None where the command does not have it."""
    return getattr(options, flag.removeprefix("--").replace("-", "_"), None)


def spoken(sentence: str) -> str:
    """Return a message with the flags of a direct run for the fields of a TrainingRun."""
    for words in _NOT_IN_A_POD:
        sentence = sentence.replace(words, "")
    sentence = sentence.replace("spec.source.data.since and until", "--since and --until")
    return _FIELD.sub(lambda found: _FLAG_OF[found[0]], sentence)


_FLAG_OF = {field_of(place): flag for flag, (place, *_) in FLAGS.items()}
_FIELD = re.compile(rf"(?:{'|'.join(map(re.escape, _FLAG_OF))})(?!\w)")
