"""The operator's settings, from the variables that the chart sets."""

from datetime import timedelta

import pytest

from trainer_operator.errors import SettingsError
from trainer_operator.settings import Settings

IMAGE = {"TRAINER_JOB_IMAGE": "trainer/job:1"}


def test_an_image_is_all_that_is_needed() -> None:
    settings = Settings.from_environment({**IMAGE, "TRAINER_TRACKING_SECRET": ""})
    assert settings.namespaces == ()
    assert settings.database_secret == "trainer-database"
    assert settings.tracking_uri == "http://mlflow:5000"
    assert settings.tracking_secret is None
    assert settings.active_deadline == timedelta(hours=1)
    assert settings.rollout_timeout == timedelta(minutes=5)
    assert settings.liveness_port == 8080
    assert settings.max_concurrent_runs is None
    assert settings.settle == timedelta(seconds=1)


def test_each_variable_is_read() -> None:
    settings = Settings.from_environment(
        {
            **IMAGE,
            "TRAINER_NAMESPACES": "plant, other,",
            "TRAINER_JOB_IMAGE_PULL_POLICY": "Never",
            "TRAINER_JOB_RESOURCES": '{"limits": {"memory": "1Gi", "cpu": 1}}',
            "TRAINER_RESYNC": "5s",
            "TRAINER_MAX_CONCURRENT_RUNS": "4",
            "TRAINER_SETTLE": "500ms",
            "TRAINER_LIVENESS_PORT": "0",
            "TRAINER_LOG_FORMAT": "text",
        }
    )
    assert settings.namespaces == ("plant", "other")
    assert settings.job_resources.limits == {"memory": "1Gi", "cpu": 1}
    assert settings.resync == timedelta(seconds=5)
    assert settings.liveness_port == 0
    assert settings.max_concurrent_runs == 4
    assert settings.settle == timedelta(milliseconds=500)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRAINER_JOB_IMAGE", ""),
        ("TRAINER_RESYNC", "often"),
        ("TRAINER_MAX_CONCURRENT_RUNS", "0"),
        ("TRAINER_ACTIVE_DEADLINE", "0s"),
        ("TRAINER_JOB_RESOURCES", "{"),
        ("TRAINER_JOB_RESOURCES", '{"limit": {}}'),
        ("TRAINER_JOB_IMAGE_PULL_POLICY", "Sometimes"),
        ("TRAINER_LIVENESS_PORT", "eighty"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({**IMAGE, name: value})
