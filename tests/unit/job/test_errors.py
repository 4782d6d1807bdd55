import pytest

from trainer_job.contract import ExitCode, Result, encode_result
from trainer_job.errors import (
    BadConfiguration,
    JobError,
    Terminated,
    Unavailable,
    UnusableData,
    redact,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (BadConfiguration, ExitCode.BAD_CONFIGURATION),
        (UnusableData, ExitCode.UNUSABLE_DATA),
        (Unavailable, ExitCode.UNAVAILABLE),
        (JobError, ExitCode.INTERNAL),
    ],
)
def test_the_class_says_whether_a_retry_can_help(kind: type[JobError], code: ExitCode) -> None:
    assert kind("R", "m").exit_code == code


def test_no_retry_loop_takes_the_end_for_a_fault() -> None:
    assert not issubclass(Terminated, Exception)


def test_passwords_of_the_environment_are_blanked() -> None:
    environ = {"POSTGRES_PASSWORD": "s3cret", "MLFLOW_TRACKING_TOKEN": "tok-en"}
    assert redact("a s3cret and tok-en.", environ) == "a *** and ***."


def test_very_short_passwords_do_not_blank_out_sentences() -> None:
    assert redact("a sentence", {"POSTGRES_PASSWORD": "a"}) == "a sentence"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:pw@mlflow:5000/x", "http://***@mlflow:5000/x"),
        ("http://me:p@w@mlflow:5000", "http://***@mlflow:5000"),
        ("http://me:p/w?x#y@mlflow:5000 says", "http://***@mlflow:5000 says"),
        ("http://mlflow:5000/a@b", "http://mlflow:5000/a@b"),
        ("postgresql://me:pw@db/x and ftp://u@h", "postgresql://***@db/x and ftp://***@h"),
    ],
)
def test_credentials_of_urls_are_blanked(url: str, shown: str) -> None:
    assert redact(url, {}) == shown


def test_a_failure_never_carries_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "s3cret")
    assert JobError("R", "it is s3cret").to_failure().message == "it is ***"


def test_a_failure_can_be_written_whatever_a_file_is_called() -> None:
    failure = JobError("R", "no \udcff").to_failure()
    assert "no ?" in encode_result(Result(run="uid", failure=failure))
