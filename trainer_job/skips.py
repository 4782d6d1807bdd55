"""Sentences of runs that are skipped: the window holds too little to train on."""

from collections.abc import Mapping

from trainer_job import reasons
from trainer_job.contract import DataSpec, Decision, Outcome, format_duration, format_timestamp


def too_few_episodes(count: int, held_out: int, data: DataSpec) -> Decision:
    """Return the decision where fewer episodes were found than are needed.

    Parameters
    ----------
    count, held_out
        Episodes that may be fitted on, and those of the window that may not.
    data
        What was asked for.
    """
    held = f" beside {held_out} that are held out (spec.gates.champion.fraction)"
    beside = held if held_out else ""
    widen = _widen(data)
    if not count and data.machines:
        widen = f"Check spec.source.data.machines, or {widen[0].lower()}{widen[1:]}"
    return _skipped(f"{_number(count)} {_where(data)}{beside}, {_needed(data)} {widen}.")


def too_few_complete(
    count: int, total: int, lacking: Mapping[str, int], data: DataSpec
) -> Decision:
    """Return the decision where too many episodes lack a sensor that most others have."""
    lacks = ", ".join(f"{sensor} in {number}" for sensor, number in lacking.items())
    return _skipped(
        f"{count} of {_number(total)} {_where(data)} have usable readings of every sensor that "
        f"most episodes have (missing: {lacks}), {_needed(data)} Limit "
        f"spec.source.data.machines to machines with the same sensors, or {_widen(data).lower()}."
    )


def _skipped(message: str) -> Decision:
    return Decision(outcome=Outcome.SKIPPED, reason=reasons.TOO_FEW_EPISODES, message=message)


def _number(count: int) -> str:
    return f"{count} episode" if count == 1 else f"{count} episodes"


def _where(data: DataSpec) -> str:
    machines = f" of machine {', '.join(data.machines)}" if data.machines else ""
    if data.since is not None and data.until is not None:
        return f"from {format_timestamp(data.since)} to {format_timestamp(data.until)}{machines}"
    return f"in the last {format_duration(data.reach)}{machines}"


def _needed(data: DataSpec) -> str:
    return f"{data.min_episodes} needed (spec.source.data.minEpisodes)."


def _widen(data: DataSpec) -> str:
    if data.since is not None:
        return "Widen spec.source.data.since and until"
    return "Widen spec.source.data.lookback"
