"""Data quality: what was read, what of it was not used, and why."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trainer_job.coverage import Coverage
from trainer_job.episodes import Manifest

COLUMNS = ("what", "number", "treatment")


@dataclass(frozen=True)
class Quality:
    """What stands in the table beside the episodes themselves.

    Attributes
    ----------
    found
        All closed episodes of the window that have readings.
    coverage
        Which of them lack a sensor; of those that are not held out.
    held_out
        Episodes that no version is fitted on.
    open_episodes
        Failures of the window that are not over.
    """

    found: Manifest
    coverage: Coverage
    held_out: int
    open_episodes: int

    def table(self) -> pd.DataFrame:
        """Return one row an observation: what, how many, and what was made of it."""
        found, excluded = self.found, int((~self.coverage.complete).sum())
        lengths = found.readings
        rows = [
            ("closed episodes", len(found), "read"),
            ("readings", int(lengths.sum()), "read"),
            ("machines", len(set(found.machines)), "read"),
            ("open episodes", self.open_episodes, "not read: they are not over"),
            ("episodes held out", self.held_out, "not trained on: versions are compared on them"),
            ("episodes that lack a sensor", excluded, "left out"),
            *(
                (f"episodes without {sensor}", number, "left out: most others have it")
                for sensor, number in self.coverage.lacking.items()
            ),
            *(
                (f"episodes with {sensor}", number, "sensor not used: most episodes lack it")
                for sensor, number in self.coverage.rare.items()
            ),
            ("values that are no number", int(found.unusable.sum()), "left out"),
            (
                "readings with the time of another",
                int(found.duplicates.sum()),
                "counted: nothing says which is right",
            ),
            ("episodes of one reading", int((lengths == 1).sum()), "used: they have no spread"),
            ("episodes that overlap", _overlapping(found), "used: each has its own readings"),
            (
                "episodes that end before they start",
                int((found.closed < found.started).sum()),
                "used: check the clocks",
            ),
        ]
        kept = [row for row in rows if row[1] or row[2] == "read"]
        return pd.DataFrame(kept, columns=list(COLUMNS))


def _overlapping(found: Manifest) -> int:
    """Return how many episodes begin before an earlier one of their machine is over."""
    table = pd.DataFrame(
        {"machine": found.machines, "started": found.started, "closed": found.closed}
    ).sort_values(["machine", "started"], kind="stable")
    latest = table.groupby("machine")["closed"].cummax()
    before = latest.groupby(table["machine"]).shift()
    return int(np.sum(table["started"] < before))
