from datetime import UTC, datetime, timedelta

import pytest

from trainer_job import arguments, direct
from trainer_job.contract import ClusterRange, ExtendUntil, RunDocument
from trainer_job.errors import BadConfiguration
from trainer_job.flags import values

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def make(environ: dict[str, str], *flags: str) -> RunDocument:
    given = values(arguments.parse(["run", *flags]))
    return direct.document(direct.merge(direct.variables(environ), given), NOW)


def test_the_defaults_are_those_of_the_replaced_service() -> None:
    document = make({})
    assert document.tracking.uri == "http://mlflow:5000"
    assert document.data.window(document.as_of) == (NOW - timedelta(hours=1), NOW)
    assert document.model.number == 3
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


def test_the_newer_flags_reach_the_document() -> None:
    document = make(
        {},
        *("--machine", "m1", "--machine", "m2", "--rebuild", "--unlabelled", "Reject"),
        *("--extend-until", "100", "--extend-at-most", "30d", "--algorithm", "gaussianMixture"),
        *("--cluster-range", "2-8", "--name", "mine", "--alias", "champion"),
        *("--structure", "Report", "--unchanged-data", "Train"),
    )
    assert document.data.machines == ("m1", "m2")
    assert document.data.rebuild
    assert document.data.extend_until == ExtendUntil(episodes=100, at_most=timedelta(days=30))
    assert document.model.algorithm == "gaussianMixture"
    assert document.model.cluster_range == ClusterRange(min=2, max=8)
    assert (document.model.registered_name, document.promotion.alias) == ("mine", "champion")
    gates = document.gates
    assert (gates.structure, gates.unchanged_data) == ("Report", "Train")
    assert gates.unlabelled == "Reject"


def test_a_flag_wins_over_the_variable_that_it_is_given_instead_of() -> None:
    environ = {"N_CLUSTERS": "4", "TRAINING_LOOKBACK_HOURS": "2"}
    flags = ("--since", "2026-01-30T00:00:00Z", "--until", "2026-01-31T00:00:00Z")
    document = make(environ, "--cluster-range", "2-8", *flags)
    assert document.model.clusters is None
    assert document.data.window(NOW)[0] == datetime(2026, 1, 30, tzinfo=UTC)


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
        ({}, ["--cluster-range", "8"], ["--cluster-range is '8'", "as in 2-8"]),
        ({}, ["--cluster-range", "8-2"], ["--cluster-range is '8-2': min must not be above max."]),
        ({}, ["--cluster-range", "2-800"], ["--cluster-range is '2-800'", "less than"]),
        ({}, ["--extend-until", "9"], ["spec.source.data.extendUntil.atMost is missing."]),
        ({}, ["--extend-until", "x", "--extend-at-most", "1d"], ["--extend-until is 'x'"]),
        (
            {"N_CLUSTERS": "3"},
            ["--clusters", "3", "--cluster-range", "2-8"],
            ["Give either --clusters or --cluster-range, not both."],
        ),
        (
            {},
            ["--lookback", "1h", "--since", "2026-01-30T00:00:00Z", "--until", "2026-01-31"],
            ["--until is '2026-01-31'"],
        ),
        ({}, ["--since", "2026-01-30T00:00:00Z"], ["--since and until belong together"]),
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
