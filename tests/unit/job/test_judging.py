from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.manifests import make_manifest
from tests.support.trained import SENSORS, make_readings
from trainer_job import clustering, judging
from trainer_job.clustering import Clustering
from trainer_job.continuity import Continuity
from trainer_job.contract import Comparison
from trainer_job.episodes import Manifest
from trainer_job.evaluation import Assignment, HeldOut, Inconclusive
from trainer_job.features import FEATURE_SETS
from trainer_job.holdout import Rule, blocks, held_out_blocks
from trainer_job.judging import Compared, against_champion, complete, predict_held_out, what_became
from trainer_job.moments import Moments, from_readings
from trainer_job.registry.incumbents import Incumbent
from trainer_job.serving import FailureModes

NUMBER = 60
KINDS = [("worn", "loose", "jammed")[number % 3] for number in range(NUMBER)]
RULE = Rule("salt", 0.9)


def moments_of(episodes: int = NUMBER, seed: int = 0, drop: tuple[str, ...] = ()) -> Moments:
    readings = make_readings(episodes, seed=seed).drop(columns=list(drop))
    return from_readings(readings, [sensor for sensor in SENSORS if sensor not in drop])


def without(moments: Moments, rows: list[int], sensor: str) -> Moments:
    """Return the same with no usable reading of a sensor in some episodes."""
    counts = moments["n"].copy()
    counts[rows, moments.sensors.index(sensor)] = 0
    return replace(moments, tables={**moments.tables, "n": counts})


def fit(moments: Moments, clusters: int = 3, feature_set: str = "basic") -> Clustering:
    return clustering.fit(FEATURE_SETS[feature_set].transform(moments), "kmeans", clusters, 42)


def held_out(moments: Moments, labels: bool = True, per_day: int = 3) -> Manifest:
    """Return episodes of twenty days, three a day."""
    number = len(moments.episodes)
    minutes = [24 * 60 * (place // per_day) + place % per_day for place in range(number)]
    known = KINDS[:number] if labels else None
    return make_manifest(list(range(number)), minutes=minutes, labels=known)


def champion(moments: Moments, clusters: int = 3, feature_set: str = "basic") -> Incumbent:
    fitted = fit(moments, clusters, feature_set)
    labels = {int(fitted.modes[place]): KINDS[place] for place in range(3)}
    model = FailureModes(moments.sensors, feature_set, fitted.pipeline, labels=labels)
    return Incumbent("4", run_uid="before", rule=RULE, model=model)


def seen(moments: Moments, manifest: Manifest | None = None, clusters: int = 3) -> Compared:
    manifest = held_out(moments) if manifest is None else manifest
    return predict_held_out(manifest, moments, SENSORS, "basic", fit(moments_of(seed=5), clusters))


def names_of(found: Compared) -> dict[int, str]:
    return {int(mode): kind for mode, kind in zip(found.modes[:3], KINDS, strict=False)}


def judge(found: Compared, incumbent: Incumbent, rule: Rule = RULE) -> Comparison | Inconclusive:
    return against_champion(found, names_of(found), rule, incumbent, SENSORS, 42)


def compared(found: Comparison | Inconclusive) -> Comparison:
    assert isinstance(found, Comparison)
    return found


def because(found: Comparison | Inconclusive | Continuity) -> str:
    assert isinstance(found, Inconclusive)
    return found.because


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=6))
def test_complete_are_the_episodes_that_have_all_sensors(has: list[list[bool]]) -> None:
    counts = np.array(has, dtype="float64")
    moments = Moments(np.arange(len(has)), SENSORS, np.ones(len(has), int), {"n": counts})
    for sensors in (SENSORS, SENSORS[1:], ()):
        expected = [
            row for row, own in enumerate(has) if all(own[SENSORS.index(each)] for each in sensors)
        ]
        assert complete(moments, sensors).tolist() == expected
    assert complete(moments, ("Fx", "other")).tolist() == []


def test_held_out_episodes_without_a_sensor_are_left_out() -> None:
    moments = without(moments_of(), [1, 7], "Fy")
    found = seen(moments)
    assert found.manifest.ids.tolist() == [n for n in range(NUMBER) if n not in {1, 7}]
    assert len(found.modes) == len(found.features) == len(found.moments.episodes) == NUMBER - 2
    # The kinds come by turns, and so do the modes.
    assert len({*zip(found.modes.tolist(), found.manifest.labels.tolist(), strict=True)}) == 3


@pytest.mark.parametrize("moments", [moments_of(drop=("Fy",)), moments_of().take([], ())])
def test_without_any_such_episode_there_is_nothing(moments: Moments) -> None:
    found = seen(moments)
    assert (len(found.manifest), len(found.modes)) == (0, 0)
    assert list(found.features.columns) == FEATURE_SETS["basic"].get_feature_names_out(SENSORS)
    told = because(judge(found, champion(moments_of())))
    assert told.startswith("0 held-out episodes of 0 machine-days")


def test_a_model_is_as_good_as_itself() -> None:
    found = seen(moments_of())
    result = compared(judge(found, champion(moments_of(seed=5))))
    assert (result.measure, result.difference, result.low, result.high) == ("F1", 0, 0, 0)


def test_fewer_modes_than_there_are_kinds_do_worse() -> None:
    found = seen(moments_of(), clusters=2)
    result = compared(judge(found, champion(moments_of())))
    assert result.high < -0.1


def test_without_labels_both_are_judged_in_one_space() -> None:
    moments = moments_of()
    found = seen(moments, held_out(moments, labels=False))
    result = compared(judge(found, champion(moments, feature_set="robust")))
    assert (result.measure, result.difference) == ("Separation", 0)


def test_the_space_is_that_of_the_sensors_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = make_readings(NUMBER).assign(More=lambda table: table["Fx"] ** 2)
    found = seen(from_readings(readings, (*SENSORS, "More")))
    wider = champion(from_readings(readings, ("Fy", "More")))
    spaces: list[HeldOut] = []

    def look(ours: Assignment, theirs: Assignment, held: HeldOut, seed: int) -> Inconclusive:
        spaces.append(held)
        return Inconclusive("it was only looked at")

    monkeypatch.setattr(judging, "compare", look)
    judge(found, wider)
    (held,) = spaces
    assert held.space.shape == (len(held.episodes), 4 * 4)
    assert np.abs(held.space.mean(axis=0)).max() < 1e-9
    assert held.space.std(axis=0) == pytest.approx(1)


def test_only_what_both_rules_hold_out_is_compared() -> None:
    found = seen(moments_of())
    days = blocks(found.manifest.machines, found.manifest.started)
    less = replace(champion(moments_of()), rule=Rule("salt", 0.5))
    expected = int(held_out_blocks("salt", days, 0.5).sum())
    assert 20 <= expected < NUMBER
    assert compared(judge(found, less)).episodes == expected
    assert compared(judge(found, less, Rule("salt", 0.45))).episodes <= expected


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"model": None, "fault": "its model cannot be fetched"}, "its model cannot be fetched"),
        ({"rule": None}, "it was not trained with these episodes held out"),
        ({"rule": Rule("other", 0.9)}, "it was not trained with these episodes held out"),
    ],
)
def test_what_cannot_be_compared_says_why(changed: dict[str, object], told: str) -> None:
    incumbent = replace(champion(moments_of()), **changed)  # type: ignore[arg-type]
    assert because(judge(seen(moments_of()), incumbent)) == told


def test_a_champion_of_other_sensors_says_so() -> None:
    readings = make_readings(NUMBER).rename(columns={"Tz": "Other"})
    incumbent = champion(from_readings(readings, ("Fx", "Fy", "Other")))
    told = because(judge(seen(moments_of()), incumbent))
    assert told.endswith("held-out episodes has every sensor of both")


def follow(
    incumbent: Incumbent,
    ids: tuple[int, ...] | None,
    moments: Moments,
    kept: list[int],
    clusters: int = 3,
) -> Continuity | Inconclusive:
    part = moments.take(kept, SENSORS)
    features = FEATURE_SETS["basic"].transform(part)
    fitted = clustering.fit(features, "kmeans", clusters, 7)
    return what_became(incumbent, ids, moments, np.array(kept), fitted, features)


def test_modes_of_the_same_episodes_go_on() -> None:
    moments = moments_of()
    incumbent = champion(moments)
    found = follow(incumbent, (8, 3, 5), moments, list(range(NUMBER)))
    assert isinstance(found, Continuity)
    assert sorted(match for match in found.matches if match is not None) == [3, 5, 8]
    assert found.episodes == {8: 20, 3: 20, 5: 20}
    assert found.lost == found.split == found.merged == found.dormant == ()


def test_only_episodes_that_both_can_see_count() -> None:
    moments = without(moments_of(), [0, 1, 2], "Tz")
    incumbent = champion(moments_of())
    found = follow(incumbent, (0, 1, 2), without(moments, [3], "Fx"), list(range(6, NUMBER)))
    assert isinstance(found, Continuity)
    assert sum(found.episodes.values()) == NUMBER - 6


def test_a_mode_that_does_not_occur_is_dormant() -> None:
    moments = moments_of()
    found = follow(
        champion(moments), (0, 1, 2), moments, [n for n in range(NUMBER) if n % 3], clusters=2
    )
    assert isinstance(found, Continuity)
    assert len(found.dormant) == 1
    assert found.lost == ()


def test_a_mode_that_comes_back_takes_no_number_of_the_nearest() -> None:
    moments = moments_of()
    known = [n for n in range(NUMBER) if n % 3 != 2]
    incumbent = champion_of_two(moments.take(known, SENSORS))
    # Six of each kind that it knows, and twenty of one that it was not fitted on.
    kept = [*known[:12], *(n for n in range(NUMBER) if n % 3 == 2)]
    found = follow(incumbent, (8, 3), moments, kept)
    assert isinstance(found, Continuity)
    assert sorted(match for match in found.matches if match is not None) == [3, 8]
    assert found.episodes == {8: 6, 3: 6}
    fitted = clustering.fit(
        FEATURE_SETS["basic"].transform(moments.take(kept, SENSORS)), "kmeans", 3, 7
    )
    assert found.matches[fitted.modes[-1]] is None


def champion_of_two(moments: Moments) -> Incumbent:
    """Return a version with two modes that knows how far an episode of them may be."""
    fitted = fit(moments, 2)
    limit = 2 * float(fitted.distances.max())
    model = FailureModes(SENSORS, "basic", fitted.pipeline, thresholds=[limit, limit])
    return Incumbent("4", run_uid="before", model=model)


def test_what_cannot_be_followed_says_why() -> None:
    moments, all_of_them = moments_of(), list(range(NUMBER))
    incumbent = champion(moments)
    gone = replace(incumbent, model=None, fault="its model cannot be fetched")
    readings = make_readings(NUMBER).rename(columns={"Tz": "Other"})
    other = champion(from_readings(readings, ("Fx", "Other")))
    assert because(follow(gone, (0, 1, 2), moments, all_of_them)) == gone.fault
    for ids in (None, (0, 1)):
        told = because(follow(incumbent, ids, moments, all_of_them))
        assert told == "its modes have no numbers in the ledger"
    assert "has the sensors" in because(follow(other, (0, 1, 2), moments, all_of_them))


def test_constant_features_are_no_space() -> None:
    rows = [{"episode": str(n), "Fx": 1.0, "Fy": 2.0, "Tz": 3.0} for n in range(NUMBER)]
    moments = from_readings(pd.DataFrame(rows), SENSORS)
    found = seen(moments, held_out(moments, labels=False))
    # All alike: both see one kind only.
    assert "no two kinds" in because(judge(found, champion(moments_of())))
