from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_job.holdout import block, blocks, held_out, held_out_blocks

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
fractions = st.floats(0, 1)


def test_the_choice_is_for_ever() -> None:
    """A later release that chose others would train on what was held out."""
    days = [NOON + timedelta(days=n) for n in range(12)]
    chosen = [held_out("pepper", "press-7", day, 0.3) for day in days]
    assert chosen == [n in {5, 6, 8, 9, 10, 11} for n in range(12)]


@given(times, st.text(max_size=8), st.text(max_size=8), fractions, fractions)
def test_a_smaller_holdout_is_part_of_a_larger(
    started: datetime, salt: str, machine: str, one: float, other: float
) -> None:
    least, most = sorted([one, other])
    assert held_out(salt, machine, started, least) <= held_out(salt, machine, started, most)
    assert not held_out(salt, machine, started, 0)
    assert held_out(salt, machine, started, 1)


@given(times, st.integers(-12, 12))
def test_the_day_is_that_of_utc(started: datetime, hours: int) -> None:
    elsewhere = started.astimezone(timezone(timedelta(hours=hours)))
    assert block("m", elsewhere) == ("m", started.date())


def test_a_day_stays_together_and_salt_and_machine_count() -> None:
    days = [NOON + timedelta(days=n) for n in range(200)]

    def chosen(salt: str = "pepper", machine: str = "m", later: int = 0) -> list[bool]:
        return [held_out(salt, machine, d + timedelta(hours=later), 0.5) for d in days]

    assert chosen() == chosen(later=11)
    for other in (chosen(salt="salt"), chosen(machine="n"), chosen(later=24)):
        assert 60 < sum(a == b for a, b in zip(chosen(), other, strict=True)) < 140


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5])
def test_about_the_fraction_is_held_out(fraction: float) -> None:
    days = [NOON + timedelta(days=n) for n in range(400)]
    number = sum(held_out("pepper", m, day, fraction) for day in days for m in ("a", "b", "c"))
    assert number / 1200 == pytest.approx(fraction, abs=0.05)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        held_out("pepper", "m", datetime(2026, 3, 1), 0.2)


def test_many_episodes_at_once_are_the_same() -> None:
    started = [NOON + timedelta(hours=7 * n) for n in range(60)]
    machines = ["a", "b", "c"] * 20
    found = blocks(machines, np.array([each.replace(tzinfo=None) for each in started], "M8[us]"))
    assert found == [block(m, each) for m, each in zip(machines, started, strict=True)]
    one_by_one = [held_out("s", m, t, 0.3) for m, t in zip(machines, started, strict=True)]
    assert held_out_blocks("s", found, 0.3).tolist() == one_by_one
