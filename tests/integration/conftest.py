"""Real servers, started once a worker when the first test asks for them."""

from collections.abc import Iterator

import pytest

from hack.cluster.controlplane import ControlPlane
from tests.support.mlflow import mlflow_server as run_mlflow_server
from tests.support.postgres import PostgresServer
from trainer_job.database.connection import Database, connect
from trainer_job.database.migrate import migrate


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    """A new database with all tables, empty."""
    database = connect(postgres.create_database())
    migrate(database)
    yield database
    database.engine.dispose()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an MLflow server."""
    with run_mlflow_server(tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real API server with etcd and controller manager; tests play the kubelet."""
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane:
        yield plane
