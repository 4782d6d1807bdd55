import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_job.comparing import Pair, Version, as_json, pairs
from trainer_job.terminal import as_table


def make_version(
    number: str, modes: list[int], labels: dict[str, str] | None = None, **parts: Any
) -> Version:
    """Return a version that put the episodes 0, 1, 2, ... into these modes."""
    numbers = sorted(set(modes))
    profiles = {
        str(mode): {
            "label": (labels or {}).get(str(mode)),
            "size": modes.count(mode),
            "distinctive_features": {"Fx_max": 2.5, "Fy_std": -1.0},
        }
        for mode in numbers
    }
    data: dict[str, Any] = {
        "about": {"decision": "Promoted"},
        "params": {"n_clusters": str(len(numbers))},
        "metrics": {"macro_f1": 0.5},
        "profiles": profiles,
        "modes": {str(episode): mode for episode, mode in enumerate(modes)},
    }
    return Version(number=number, **data | parts)


def test_modes_that_share_episodes_are_pairs() -> None:
    one, other = make_version("1", [0, 0, 1, 1, 1]), make_version("2", [2, 2, 0, 0, 1])
    assert pairs(one, other) == [Pair("0", "2", 2), Pair("1", "0", 2), Pair(None, "1", 0)]


def test_without_common_episodes_nothing_is_known_of_them() -> None:
    other = replace(make_version("2", [0, 1]), modes={"90": 0, "91": 1})
    assert pairs(make_version("1", [0, 0]), other) == [
        *(Pair("0", None, 0), Pair(None, "0", 0), Pair(None, "1", 0)),
    ]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.permutations(range(5)))
def test_a_permutation_of_the_numbers_pairs_all(modes: list[int], order: list[int]) -> None:
    one = make_version("1", modes)
    other = make_version("2", [order[mode] for mode in modes])
    found = pairs(one, other)
    assert [(pair.one, pair.other) for pair in found] == [
        (str(mode), str(order[mode])) for mode in sorted(set(modes))
    ]
    assert sum(pair.shared for pair in found) == len(modes)


def test_the_document_holds_both() -> None:
    one, other = make_version("1", [0, 1]), make_version("2", [1, 0])
    document = json.loads(as_json("m", one, other))
    assert [version["version"] for version in document["versions"]] == ["1", "2"]
    assert document["versions"][0]["params"] == {"n_clusters": "2"}
    assert document["pairs"][0] == {"modes": ["0", "1"], "sharedEpisodes": 1}


@pytest.mark.parametrize("columns", ["60", "110", "200"])
def test_the_table_fits_the_terminal(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    about = {"decision": "Rejected", "comparison": "a sentence that is rather long " * 5}
    other = make_version("12", [1, 1, 0], {"1": "[bold] worn"}, about=about, metrics={})
    text = as_table("pumps", make_version("7", [0, 0, 1]), other)
    assert max(map(len, text.splitlines())) <= int(columns)
    if columns == "60":
        return  # cells are broken into lines
    flat = " ".join(text.split())
    for expected in (
        "pumps: version 7 and version 12",
        "decision Promoted Rejected differs",
        "macro_f1 0.5 -",
        "0: unnamed, 2 episodes 1: [bold] worn, 2 episodes 2",
        "3 episodes are in both trainings",
    ):
        assert expected in flat


def test_equal_values_are_not_said_to_differ() -> None:
    version = make_version("1", [0, 1])
    text = as_table("m", version, version)
    assert "differs" not in text
    assert "+0" in text
