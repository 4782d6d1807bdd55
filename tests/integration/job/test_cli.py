"""The commands as processes: what they print, how they end."""

import json
import signal
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

from tests.support.command import PROGRAM, environment, result_of, trainer_job
from tests.support.plant import ROBOT_FAILURES, Plant
from tests.support.postgres import PostgresServer
from tests.support.trained import make_document
from trainer_job import reasons
from trainer_job.contract import Outcome, Result, RunDocument, decode_result, parse_progress
from trainer_job.database.connection import Database
from trainer_job.database.locks import run_lock

LP4 = ROBOT_FAILURES / "lp4.data.txt"


def in_a_pod(database: Database, document: RunDocument, **variables: str) -> dict[str, str]:
    text = json.dumps(document.to_json())
    return environment(database.settings, TRAINER_RUN=text, **variables)


def reason(result: Result) -> str:
    assert result.failure is not None
    return result.failure.reason


def test_a_pod_logs_progress_and_the_result(
    database: Database, mlflow_server: str, tmp_path: Path
) -> None:
    Plant(database).modes(12)
    document = make_document(mlflow_server, name=f"model-{uuid.uuid4()}", staged=True)
    environ = in_a_pod(database, document)
    done = trainer_job("run", environ=environ, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    *lines, last = done.stdout.splitlines()
    assert lines
    assert None not in [parse_progress(line) for line in lines]
    result = decode_result(last)
    assert result.run == document.run.uid
    assert result.decision is not None
    assert result.decision.outcome is Outcome.STAGED
    assert database.settings.password not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
    # The next attempt answers the same, without a word about stages.
    again = trainer_job("run", environ=environ, folder=tmp_path)
    assert again.stdout.splitlines() == [last]


def test_migrate_load_and_run_as_the_replaced_service_was_run(
    postgres: PostgresServer, mlflow_server: str, tmp_path: Path
) -> None:
    settings = postgres.create_database()
    environ = environment(
        settings,
        MLFLOW_TRACKING_URI=mlflow_server,
        N_CLUSTERS="3",
        MODEL_F1_THRESHOLD="0.4",
        REDIS_HOST="ignored",
        API_MODE="false",
    )
    for words in ("layout none was brought to 0003", "has the newest layout"):
        migrated = trainer_job("migrate", environ=environ, folder=tmp_path)
        assert migrated.returncode == 0
        assert words in migrated.stdout
    before = datetime.now(UTC)
    for words in ("Loaded 117 episodes with 1755 readings", "Nothing to do"):
        loaded = trainer_job("load", str(LP4), environ=environ, folder=tmp_path)
        assert loaded.returncode == 0
        assert words in loaded.stdout
    done = trainer_job(environ=environ, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    result = result_of(done)
    assert done.stdout.count("\n") == 1
    assert "Promoted. " in done.stderr
    assert result.data is not None
    assert result.data.episodes == 117
    assert result.data.until > before
    assert result.decision is not None
    assert result.decision.outcome is Outcome.PROMOTED


def test_a_wrong_password_is_bad_configuration(
    database: Database, mlflow_server: str, tmp_path: Path
) -> None:
    environ = in_a_pod(database, make_document(mlflow_server), POSTGRES_PASSWORD="not-the-password")
    done = trainer_job("run", environ=environ, folder=tmp_path)
    assert done.returncode == 64
    assert reason(result_of(done)) == reasons.BAD_CREDENTIALS
    assert "not-the-password" not in done.stdout + done.stderr


def test_a_database_without_tables_says_what_to_run(
    postgres: PostgresServer, mlflow_server: str, tmp_path: Path
) -> None:
    environ = environment(postgres.create_database(), MLFLOW_TRACKING_URI=mlflow_server)
    done = trainer_job("run", environ=environ, folder=tmp_path)
    assert done.returncode == 64
    assert reason(result_of(done)) == reasons.NOT_MIGRATED


def test_unusable_data_are_told_apart(
    database: Database, mlflow_server: str, tmp_path: Path
) -> None:
    for _ in range(3):
        Plant(database).episode([{"a": 1}])
    document = make_document(mlflow_server, data={"minEpisodes": 1})
    done = trainer_job("run", environ=in_a_pod(database, document), folder=tmp_path)
    assert done.returncode == 65
    assert reason(result_of(done)) == reasons.TOO_FEW_DISTINCT_EPISODES


def test_an_attempt_that_is_asked_to_end_says_so(
    database: Database, mlflow_server: str, tmp_path: Path
) -> None:
    document = make_document(mlflow_server)
    with (
        run_lock(database, document.run.uid),
        subprocess.Popen(
            [PROGRAM, "run"],
            env=in_a_pod(database, document),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        waiting = parse_progress(process.stdout.readline().strip())
        assert waiting is not None
        assert "Another attempt" in waiting.message
        process.send_signal(signal.SIGTERM)
        assert reason(decode_result(process.stdout.read())) == reasons.TERMINATED
        assert process.wait() == 143


def test_flags_beside_a_document_are_refused(
    database: Database, mlflow_server: str, tmp_path: Path
) -> None:
    environ = in_a_pod(database, make_document(mlflow_server))
    done = trainer_job("run", "--clusters", "4", environ=environ, folder=tmp_path)
    assert done.returncode == 64
    assert "leave --clusters out" in done.stderr


def test_wrong_configuration_is_told_before_any_server_is_asked(tmp_path: Path) -> None:
    environ = {"POSTGRES_HOST": "no-such-host.invalid"}
    for variables, arguments, words in (
        ({"API_MODE": "true"}, [], "API_MODE is true"),
        ({"N_CLUSTERS": "x"}, [], "N_CLUSTERS is 'x'"),
        ({"TRAINER_RUN": "{"}, [], "TRAINER_RUN: the document: Invalid JSON"),
        ({}, ["run", "--data", "f"], "--data goes with --embedded"),
        ({}, ["--embedded", "--tracking-uri", "http://x"], "leave --tracking-uri out"),
        ({}, ["load", "no-such-file"], "File no-such-file cannot be read"),
        ({}, ["promote"], "TRAINER_RUN is not set"),
        ({}, ["check"], "TRAINER_RUN is not set"),
        ({}, ["recall"], "TRAINER_RUN is not set"),
        ({}, ["run", "--bogus"], "unrecognized arguments: --bogus"),
    ):
        done = trainer_job(*arguments, environ={**environ, **variables}, folder=tmp_path)
        assert done.returncode == 64
        assert words in done.stderr


def test_the_result_is_utf8_whatever_the_locale(
    database: Database, mlflow_server: str, tmp_path: Path
) -> None:
    document = make_document(mlflow_server, data={"machines": ["Säge"]})
    environ = in_a_pod(database, document, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    done = trainer_job("run", environ=environ, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    decision = result_of(done).decision
    assert decision is not None
    assert "of machine Säge" in decision.message
