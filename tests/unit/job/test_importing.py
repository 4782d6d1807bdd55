import gc
import weakref

import pytest

from trainer_job.importing import uncollected


class Cycle:
    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def _restored() -> object:
    yield
    gc.enable()
    gc.unfreeze()


def test_collects_nothing_meanwhile_and_never_what_was_made_there() -> None:
    with uncollected():
        assert not gc.isenabled()
        before = weakref.ref(Cycle())
    assert gc.isenabled()
    after = weakref.ref(Cycle())
    gc.collect()
    assert after() is None
    assert before() is not None


def test_collects_again_after_an_import_that_fails() -> None:
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    assert gc.isenabled()


def test_leaves_alone_what_was_switched_off_by_others() -> None:
    gc.disable()
    with uncollected(), uncollected():
        pass
    assert not gc.isenabled()
