from trainer_job.contract import DataSpec, Outcome
from trainer_job.skips import too_few_complete, too_few_episodes


def test_says_how_many_where_and_what_to_do() -> None:
    decision = too_few_episodes(3, 0, DataSpec())
    assert decision.outcome is Outcome.SKIPPED
    assert decision.message == (
        "3 episodes in the last 1h, 10 needed (spec.source.data.minEpisodes). "
        "Widen spec.source.data.lookback."
    )


def test_one_episode_is_singular_and_machines_are_named() -> None:
    data = DataSpec(lookback="7d", machines=("m1", "m2"), min_episodes=2)
    assert too_few_episodes(1, 0, data).message == (
        "1 episode in the last 7d of machine m1, m2, 2 needed (spec.source.data.minEpisodes). "
        "Widen spec.source.data.lookback."
    )


def test_a_given_window_is_named_by_its_ends() -> None:
    data = DataSpec.model_validate(
        {"since": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"}
    )
    assert too_few_episodes(0, 0, data).message == (
        "0 episodes from 2020-01-01T00:00:00Z to 2020-01-02T00:00:00Z, 10 needed "
        "(spec.source.data.minEpisodes). Widen spec.source.data.since and until."
    )


def test_missing_sensors_are_named() -> None:
    decision = too_few_complete(4, 12, {"Fx": 8, "Tz": 1}, DataSpec())
    assert decision.outcome is Outcome.SKIPPED
    for words in ("4 of 12 episodes in the last 1h", "Fx in 8, Tz in 1", "10 needed", "machines"):
        assert words in decision.message


def test_what_is_held_out_is_said() -> None:
    message = too_few_episodes(4, 8, DataSpec()).message
    assert message.startswith(
        "4 episodes in the last 1h beside 8 that are held out (spec.gates.champion.fraction), 10"
    )


def test_machines_that_have_none_may_be_misspelt() -> None:
    message = too_few_episodes(0, 0, DataSpec(machines=("press-1",))).message
    assert message.endswith("Check spec.source.data.machines, or widen spec.source.data.lookback.")
