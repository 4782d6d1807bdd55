"""TrainingRuns as kopf brings them."""

from typing import Any

import kopf

from trainer_operator import constants


@kopf.on.event(constants.GROUP, constants.VERSION, constants.PLURAL)
async def run_changed(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Take over a run that changed, or is gone."""
    memo.runtime.run_changed(event["object"], deleted=event["type"] == "DELETED")
