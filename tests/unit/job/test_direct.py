from datetime import UTC, datetime, timedelta

import pytest

from trainer_job import arguments, direct
from trainer_job.contract import RunDocument
from trainer_job.errors import BadConfiguration

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def make(environ: dict[str, str], *flags: str) -> RunDocument:
    values = {**direct.variables(environ), **arguments.values(arguments.parse(["run", *flags]))}
    return direct.document(values, NOW)


def test_the_defaults_are_those_of_the_replaced_service() -> None:
    document = make({})
    assert document.tracking.uri == "http://mlflow:5000"
    assert document.data.window(document.as_of) == (NOW - timedelta(hours=1), NOW)
    assert document.model.clusters == 3
    assert document.model.seed == 42
    assert document.gates.min_f1 == 0.7
    assert document.model.registered_name == "sensor_failure_clustering"
    assert document.promotion.alias == "production"
    assert not document.staged


def test_reads_the_old_variables() -> None:
    document = make(
        {
            "MLFLOW_TRACKING_URI": "http://there:5000",
            "MODEL_F1_THRESHOLD": "0.5",
            "N_CLUSTERS": "4",
            "TRAINING_LOOKBACK_HOURS": "1.5",
            "REDIS_HOST": "ignored",
        }
    )
    assert document.tracking.uri == "http://there:5000"
    assert document.gates.min_f1 == 0.5
    assert document.model.clusters == 4
    assert document.data.lookback == timedelta(minutes=90)


def test_a_flag_wins_over_its_variable() -> None:
    environ = {"N_CLUSTERS": "4", "TRAINING_LOOKBACK_HOURS": "2", "MODEL_F1_THRESHOLD": ""}
    document = make(environ, "--clusters", "5", "--lookback", "3h", "--features", "robust")
    assert document.model.clusters == 5
    assert document.data.lookback == timedelta(hours=3)
    assert document.features.set == "robust"
    assert document.gates.min_f1 == 0.7


def test_every_flag_reaches_the_document() -> None:
    document = make(
        {},
        *("--min-episodes", "5", "--seed", "7", "--min-silhouette", "0.1", "--min-f1", "0.2"),
        *("--tracking-uri", "http://x", "--experiment", "e"),
    )
    assert (document.data.min_episodes, document.model.seed) == (5, 7)
    assert (document.gates.min_silhouette, document.gates.min_f1) == (0.1, 0.2)
    assert (document.tracking.uri, document.tracking.experiment) == ("http://x", "e")


def test_each_run_is_another() -> None:
    assert make({}).run.uid != make({}).run.uid


@pytest.mark.parametrize(
    ("environ", "flags", "words"),
    [
        ({"N_CLUSTERS": "three"}, [], ["N_CLUSTERS is 'three'", "integer"]),
        ({"MODEL_F1_THRESHOLD": "70"}, [], ["MODEL_F1_THRESHOLD is '70'", "less than"]),
        ({"N_CLUSTERS": "3"}, ["--clusters", "0"], ["--clusters is '0'"]),
        ({}, ["--lookback", "1 day"], ["--lookback is '1 day'", "1h30m"]),
        ({}, ["--features", "best"], ["--features is 'best'", "robust"]),
    ],
)
def test_a_wrong_value_is_named_as_the_user_knows_it(
    environ: dict[str, str], flags: list[str], words: list[str]
) -> None:
    with pytest.raises(BadConfiguration) as caught:
        make(environ, *flags)
    for word in words:
        assert word in caught.value.message


@pytest.mark.parametrize("hours", ["one", "0", "-1", "nan", "inf", "1e300"])
def test_hours_are_a_number_above_zero(hours: str) -> None:
    with pytest.raises(BadConfiguration, match="TRAINING_LOOKBACK_HOURS is"):
        direct.variables({"TRAINING_LOOKBACK_HOURS": hours})


@pytest.mark.parametrize("name", ["API_MODE", "WORKER_MODE"])
def test_the_old_modes_say_what_to_do_instead(name: str) -> None:
    direct.refuse_old_modes({name: "false"})
    direct.refuse_old_modes({name: ""})
    with pytest.raises(BadConfiguration, match=f"{name} is True.*TrainingRun.*remove {name}"):
        direct.refuse_old_modes({name: "True"})


def test_a_window_that_covers_what_was_loaded() -> None:
    first = NOW - timedelta(days=3)
    document = direct.since(make({}), first)
    assert document.data.window(document.as_of) == (first, NOW)
    assert RunDocument.model_validate(document.to_json()) == document
