import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_job.report.names import LONGEST, plain, shorthand

names = st.text(st.characters(exclude_characters="$"), min_size=1, max_size=60)


def test_a_long_name_keeps_its_ends() -> None:
    assert plain("Sensor 3") == "Sensor 3"
    assert plain("a" * 20 + "middle" + "z" * 20, 9) == "aaaa…zzzz"


@given(names, st.integers(3, 40))
def test_no_name_is_longer_than_it_may_be(name: str, longest: int) -> None:
    assert len(plain(name, longest)) == min(len(name), longest)


def test_a_dollar_starts_no_formula() -> None:
    assert plain("$x$") == r"\$x\$"


def test_long_names_lose_what_all_share() -> None:
    found = shorthand([f"plant-7/line-3/press-{n}/pressure-of-the-main-cylinder" for n in (4, 17)])
    assert list(found.values()) == ["…4…", "…17…"]


@pytest.mark.parametrize("given_names", [["Sensor 1", "Sensor 2"], ["x" * 90], []])
def test_names_that_fit_or_stand_alone_stay(given_names: list[str]) -> None:
    assert shorthand(given_names) == {name: plain(name) for name in given_names}


@given(st.lists(names, min_size=2, max_size=6, unique=True))
def test_all_names_are_there_and_fit(given_names: list[str]) -> None:
    found = shorthand(given_names)
    assert list(found) == given_names
    assert max(map(len, found.values())) <= LONGEST
