import json

import pytest

from trainer_job.errors import BadConfiguration
from trainer_job.settings import DatabaseSettings, read_document

DOCUMENT = {
    "run": {"name": "n", "uid": "u"},
    "asOf": "2026-01-31T12:00:00Z",
    "tracking": {"uri": "http://mlflow:5000"},
}


def test_the_defaults_are_those_of_the_replaced_service() -> None:
    settings = DatabaseSettings.from_environment({})
    assert settings == DatabaseSettings(
        "localhost", 5432, "sensor_user", "sensor_password", "sensor_data"
    )


def test_reads_the_variables() -> None:
    settings = DatabaseSettings.from_environment(
        {
            "POSTGRES_HOST": "db",
            "POSTGRES_PORT": "6432",
            "POSTGRES_USER": "u",
            "POSTGRES_PASSWORD": "p@ss/:word",
            "POSTGRES_DB": "plant",
        }
    )
    url = settings.url()
    assert (url.host, url.port, url.username, url.database) == ("db", 6432, "u", "plant")
    assert url.password == "p@ss/:word"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert DatabaseSettings.from_environment({"POSTGRES_HOST": ""}).host == "localhost"


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "5432.0", "²"])
def test_a_wrong_port_is_named(port: str) -> None:
    with pytest.raises(BadConfiguration, match="POSTGRES_PORT is"):
        DatabaseSettings.from_environment({"POSTGRES_PORT": port})


def test_the_password_is_not_shown() -> None:
    settings = DatabaseSettings(password="s3cret")
    assert "s3cret" not in f"{settings!r} {settings} {settings.url()}"
    assert str(settings) == "localhost:5432/sensor_data"


def test_without_the_variable_there_is_no_document() -> None:
    assert read_document({}) is None
    assert read_document({"TRAINER_RUN": ""}) is None


def test_reads_the_document() -> None:
    document = read_document({"TRAINER_RUN": json.dumps(DOCUMENT)})
    assert document is not None
    assert document.run.uid == "u"


def test_each_wrong_field_is_named() -> None:
    wrong = {**DOCUMENT, "modle": {}, "model": {"clusters": 0}, "asOf": "s3cret"}
    with pytest.raises(BadConfiguration) as caught:
        read_document({"TRAINER_RUN": json.dumps(wrong)})
    message = caught.value.message
    for word in ("TRAINER_RUN", "modle:", "model.clusters:", "asOf:"):
        assert word in message
    assert "s3cret" not in message


def test_a_document_that_is_no_json_is_refused() -> None:
    with pytest.raises(BadConfiguration, match="the document: Invalid JSON"):
        read_document({"TRAINER_RUN": "{"})
