"""Files on their way to MLflow, several at a time: each is a request that mostly waits."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from trainer_job.registry.tracking import Tracking

AT_ONCE = 8


def upload(tracking: Tracking, run_id: str, folder: Path) -> None:
    """Upload all files of a folder, which is empty then, to a run.

    Raises
    ------
    JobError
        The first of the troubles, once no request is under way any more.
    """
    with TemporaryDirectory(dir=folder.parent) as place:
        first, *others = _split(folder, Path(place))

        def send(part: Path) -> None:
            tracking.ask(lambda client: client.log_artifacts(run_id, str(part)))

        # Alone, since it also finds out where the files go, which the client remembers; and makes
        # all folders, which MLflow's client for a store of files cannot do twice at a time.
        send(first)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(send, others))


def _split(folder: Path, place: Path) -> list[Path]:
    """Move the files into parts of the same layout: one file, and the others evenly."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    parts = []
    for number, file in enumerate(files):
        part = place / str(0 if number == 0 else 1 + number % AT_ONCE)
        target = part / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
        parts.append(part)
        (place / "0" / target.relative_to(part)).parent.mkdir(parents=True, exist_ok=True)
    return list(dict.fromkeys(parts))
