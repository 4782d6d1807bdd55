"""The queue: the most urgent first, each key once at a time, none lost."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_operator.store import Key
from trainer_operator.workqueue import Priority, WorkQueue

A, B, C = (Key("plant", name) for name in "abc")


async def taken(queue: WorkQueue) -> list[Key]:
    """Return what waits, in the order in which it is given out."""
    keys = []
    while len(queue):
        keys.append(await asyncio.wait_for(queue.get(), 5))
        queue.done(keys[-1])
    return keys


async def test_urgent_looks_come_before_new_runs() -> None:
    queue = WorkQueue()
    queue.add(A, Priority.NEW)
    queue.add(B, Priority.USUAL)
    queue.add(C, Priority.URGENT)
    assert await taken(queue) == [C, B, A]


async def test_equal_ones_come_in_their_order() -> None:
    queue = WorkQueue()
    for key in (B, A, C):
        queue.add(key)
    assert await taken(queue) == [B, A, C]


async def test_a_key_is_given_out_once_with_its_highest_priority() -> None:
    queue = WorkQueue()
    queue.add(A, Priority.NEW)
    queue.add(B, Priority.USUAL)
    queue.add(A, Priority.URGENT)
    queue.add(A, Priority.NEW)
    assert await taken(queue) == [A, B]


async def test_what_changes_while_it_is_looked_at_is_looked_at_again() -> None:
    queue = WorkQueue()
    queue.add(A)
    key = await queue.get()
    queue.add(A)
    queue.add(A)
    assert len(queue) == 0  # not while somebody has it
    assert A in queue
    queue.done(key)
    assert await taken(queue) == [A]
    assert A not in queue


async def test_a_timer_brings_a_key_back() -> None:
    queue = WorkQueue()
    queue.add_after(A, 0.01)
    assert queue.timers == {A}
    assert await asyncio.wait_for(queue.get(), 5) == A
    assert queue.timers == set()


async def test_an_event_is_faster_than_the_timer_and_replaces_it() -> None:
    queue = WorkQueue()
    queue.add_after(A, 60)
    queue.add_after(A, 30)
    assert queue.timers == {A}
    queue.add(A)
    assert queue.timers == set()
    assert await taken(queue) == [A]
    queue.add(B)
    queue.add_after(B, 60)  # it is looked at soon anyway
    assert queue.timers == set()
    queue.add_after(C, 60)
    queue.close()
    assert queue.timers == set()


async def test_no_wait_is_no_timer() -> None:
    queue = WorkQueue()
    queue.add_after(A, 0)
    assert queue.timers == set()
    assert await taken(queue) == [A]


async def test_a_worker_waits_until_there_is_something() -> None:
    queue = WorkQueue()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 0.01)
    queue.add(A)
    assert await asyncio.wait_for(queue.get(), 5) == A


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 4), st.integers(0, 2)),
        st.tuples(st.just("get"), st.just(0), st.just(0)),
        st.tuples(st.just("done"), st.integers(0, 4), st.just(0)),
    ),
    max_size=60,
)


@given(steps)
def test_nothing_is_lost_and_nothing_is_looked_at_twice_at_once(
    history: list[tuple[str, int, int]],
) -> None:
    async def play() -> None:
        queue, active, due = WorkQueue(), set[Key](), set[Key]()
        for step, number, priority in history:
            key = Key("plant", str(number))
            if step == "add":
                queue.add(key, priority)
                due.add(key)
            elif step == "get" and len(queue):
                got = await asyncio.wait_for(queue.get(), 5)
                assert got not in active
                active.add(got)
                due.discard(got)
            elif step == "done" and key in active:
                active.discard(key)
                queue.done(key)
        for key in active:
            queue.done(key)
        assert set(await taken(queue)) == due

    asyncio.run(play())
