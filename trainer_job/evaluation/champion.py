"""Gate: the model must not be worse than the version in service."""

from trainer_job import reasons
from trainer_job.contract import ChampionSpec, Comparison, GatesSpec
from trainer_job.evaluation.comparison import Inconclusive
from trainer_job.evaluation.verdict import Answer, Evidence, Verdict

_MEASURES = {"F1": "macro F1", "Separation": "silhouette in one space"}


def check(evidence: Evidence, gates: GatesSpec) -> Verdict:
    """Pass unless the model is surely worse by more than `margin`.

    Non-inferiority: "no worse than 0.0" would let luck decide between two equal models. With
    `minImprovement` the model must surely be better by more than that instead.
    """
    spec, found = gates.champion, evidence.comparison
    if spec is None:
        message = "No comparison is asked for (spec.gates.champion)."
        return Verdict(Answer.PASSED, reasons.NOT_COMPARED, message, measured=False)
    if evidence.champion is None or found is None:
        message = "No version is in service to compare with."
        return Verdict(Answer.PASSED, reasons.NO_CHAMPION, message, measured=False)
    if isinstance(found, Inconclusive):
        return _undecided(found, evidence.champion, spec)
    return _decided(found, evidence.champion, spec)


def _decided(found: Comparison, champion: str, spec: ChampionSpec) -> Verdict:
    measured = _sentence(found, champion)
    if found.high < -spec.margin:
        message = f"{measured}: surely worse by more than {spec.margin:g} "
        message += "(spec.gates.champion.margin)."
        return Verdict(Answer.FAILED, reasons.WORSE_THAN_CHAMPION, message)
    if spec.min_improvement is None:
        message = f"{measured}: not surely worse by more than {spec.margin:g}."
        return Verdict(Answer.PASSED, reasons.NOT_WORSE, message)
    needed = f"better by more than {spec.min_improvement:g} (spec.gates.champion.minImprovement)"
    if found.low > spec.min_improvement:
        return Verdict(Answer.PASSED, reasons.BETTER, f"{measured}: surely {needed}.")
    return Verdict(Answer.FAILED, reasons.NOT_BETTER, f"{measured}: not surely {needed}.")


def _sentence(found: Comparison, champion: str) -> str:
    return (
        f"Compared with version {champion} on {found.episodes} held-out episodes, the "
        f"{_MEASURES[found.measure]} differs by {found.difference:+.3f}, 95 % interval "
        f"{found.low:+.3f} to {found.high:+.3f}"
    )


def _undecided(found: Inconclusive, champion: str, spec: ChampionSpec) -> Verdict:
    told = f"Whether it is better than version {champion} cannot be told: {found.because}."
    then = f"(spec.gates.champion.inconclusive is {spec.inconclusive})"
    if spec.inconclusive == "Promote":
        return Verdict(Answer.PASSED, reasons.INCONCLUSIVE, f"{told} It passes {then}.")
    if spec.inconclusive == "Reject":
        return Verdict(Answer.FAILED, reasons.INCONCLUSIVE, f"{told} It is rejected {then}.")
    return Verdict(Answer.MANUAL, reasons.INCONCLUSIVE, f"{told} It is left to people {then}.")
