"""Numbers of failure modes on a real database."""

import threading

from trainer_job.continuity import assign_ids
from trainer_job.database import ledger
from trainer_job.database.connection import Database

PLACE = ("http://mlflow:5000", "presses")


def enter(database: Database, uid: str, *matches: int | None) -> tuple[int, ...]:
    return ledger.enter(database, *PLACE, uid, lambda free: assign_ids(matches, free)[0])


def test_numbers_go_on_and_are_never_given_twice(database: Database) -> None:
    assert ledger.find(database, *PLACE, "first") is None
    assert enter(database, "first", None, None, None) == (0, 1, 2)
    assert enter(database, "second", 2, None, 0) == (2, 3, 0)
    # Mode 1 and 3 are gone for ever, their numbers too.
    assert enter(database, "third", None, 2) == (4, 2)
    assert ledger.find(database, *PLACE, "second") == (2, 3, 0)


def test_a_later_attempt_finds_the_numbers_of_the_first(database: Database) -> None:
    assert enter(database, "run", None, None) == (0, 1)
    assert enter(database, "other", None) == (2,)
    assert enter(database, "run", None, None) == (0, 1)


def test_names_and_servers_have_ledgers_of_their_own(database: Database) -> None:
    enter(database, "run", None, None)
    for place in (("http://mlflow:5000", "pumps"), ("http://other:5000", "presses")):
        assert ledger.enter(database, *place, "run", lambda free: (free,)) == (0,)


def test_runs_at_the_same_time_get_different_numbers(database: Database) -> None:
    found: list[tuple[int, ...]] = []
    threads = [
        threading.Thread(target=lambda uid=uid: found.append(enter(database, uid, None, None)))
        for uid in map(str, range(6))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(number for numbers in found for number in numbers) == list(range(12))
