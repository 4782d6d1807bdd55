import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from trainer_job.contract import TrackingSpec
from trainer_job.errors import Unavailable
from trainer_job.registry.tracking import Tracking
from trainer_job.registry.uploading import AT_ONCE, upload


class Server:
    """Keeps what it is sent; before that it does what a test wants."""

    def __init__(self, before: Callable[["Server"], None] = lambda server: None) -> None:
        self.files: dict[str, str] = {}
        self.calls = 0
        self.most = 0
        self._before = before
        self._under_way = 0
        self._lock = threading.Lock()

    def log_artifacts(self, run_id: str, folder: str) -> None:
        with self._lock:
            self.calls += 1
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        try:
            self._before(self)
            root = Path(folder)
            found = {
                str(file.relative_to(root)): file.read_text()
                for file in root.rglob("*")
                if file.is_file()
            }
            with self._lock:
                assert not found.keys() & self.files.keys()
                self.files |= found
        finally:
            with self._lock:
                self._under_way -= 1


def tracking(server: Server) -> Tracking:
    spec = TrackingSpec(uri="http://mlflow:5000")
    return Tracking(server, spec, patience=0, sleep=lambda _: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    for number in range(20):
        file = folder / "abc"[: number % 4] / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(number))
    return folder


def test_every_file_arrives_once_at_its_place(folder: Path) -> None:
    expected = {str(file.relative_to(folder)) for file in folder.rglob("*.txt")}
    server = Server()
    upload(tracking(server), "run", folder)
    assert server.files.keys() == expected
    assert all(name.endswith(f"{content}.txt") for name, content in server.files.items())
    assert server.calls == 1 + AT_ONCE


def test_the_first_goes_alone_and_the_others_together(folder: Path) -> None:
    together = threading.Barrier(AT_ONCE, timeout=20)

    def wait(server: Server) -> None:
        if server.files:
            together.wait()

    server = Server(wait)
    upload(tracking(server), "run", folder)
    assert server.most == AT_ONCE


def test_one_file_is_enough(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/only.txt").write_text("7")
    server = Server()
    upload(tracking(server), "run", tmp_path / "files")
    assert server.files == {"only.txt": "7"}


def test_trouble_with_a_part_is_repeated_for_that_part_alone(folder: Path) -> None:
    def stumble(server: Server) -> None:
        if server.calls == 1:
            raise MlflowException("timed out")

    server = Server(stumble)
    spec = TrackingSpec(uri="http://mlflow:5000")
    upload(Tracking(server, spec, sleep=lambda _: None), "run", folder)
    assert len(server.files) == 20
    assert server.calls == 2 + AT_ONCE


def test_trouble_that_stays_is_the_one_of_every_call(folder: Path) -> None:
    def fail(server: Server) -> None:
        if server.files:
            raise MlflowException("timed out")

    with pytest.raises(Unavailable, match="MLflow server at http://mlflow:5000"):
        upload(tracking(Server(fail)), "run", folder)


def test_all_folders_are_made_before_files_are_sent_at_a_time(folder: Path) -> None:
    """MLflow's client for a store of files fails where two make a folder at the same time."""
    sent: list[set[str]] = []

    class Folders(Server):
        def log_artifacts(self, run_id: str, folder: str) -> None:
            found = [each for each in Path(folder).rglob("*") if each.is_dir()]
            sent.append({str(each.relative_to(folder)) for each in found})
            super().log_artifacts(run_id, folder)

    wanted = {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_dir()}
    assert len(wanted) == 3
    upload(tracking(Folders()), "run", folder)
    assert len(sent) > 1
    assert sent[0] == wanted
