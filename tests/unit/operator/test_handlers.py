"""Handlers only parse and call; kopf is kept from writing anything."""

from typing import Any, cast

import kopf
import pytest

from tests.unit.operator.builders import Object, raw_run
from trainer_operator.handlers import registry, startup, watch


class Recorder:
    """A runtime that only writes down what it is given."""

    def __init__(self) -> None:
        self.taken: list[tuple[Object, bool]] = []

    def run_changed(self, raw: Object, *, deleted: bool) -> None:
        self.taken.append((raw, deleted))


@pytest.mark.parametrize(
    ("kind", "deleted"), [(None, False), ("ADDED", False), ("MODIFIED", False), ("DELETED", True)]
)
async def test_a_run_is_handed_on_as_it_came(kind: str | None, deleted: bool) -> None:
    memo = kopf.Memo(runtime=Recorder())
    raw = raw_run()
    handler = cast("Any", watch.run_changed)  # kopf gives it many more arguments
    await handler(event={"type": kind, "object": raw}, memo=memo)
    assert memo.runtime.taken == [(raw, deleted)]


def test_kopf_posts_nothing_and_scans_nothing() -> None:
    settings = kopf.OperatorSettings()
    startup.configure(settings)
    assert settings.posting.enabled is False
    assert settings.scanning.disabled is True
    assert settings.networking.request_timeout is not None
    assert settings.networking.request_timeout < 60


def test_no_handler_makes_kopf_write_to_objects_and_only_runs_are_watched() -> None:
    handlers = registry()
    assert not handlers._changing.get_all_handlers()
    assert not handlers._spawning.get_all_handlers()
    watched = {
        handler.selector.any_name
        for handler in handlers._watching.get_all_handlers()
        if handler.selector
    }
    assert watched == {"trainingruns"}
