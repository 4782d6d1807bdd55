"""How the job's process starts and ends: variables in, exit codes out."""

from enum import IntEnum

RUN_VARIABLE = "TRAINER_RUN"
"""Environment variable that carries the :class:`RunDocument` into the pod."""

TERMINATION_LOG = "/dev/termination-log"
"""File whose content the kubelet copies into the status of the ended container."""

DATABASE_VARIABLES = (
    "POSTGRES_HOST",
    "POSTGRES_PORT",
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
    "POSTGRES_DB",
)
"""Keys of the database Secret, and the variables that they become."""

TRACKING_VARIABLES = (
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
)
"""Keys of the tracking Secret, each optional, and the variables that they become."""


class ExitCode(IntEnum):
    """How a job's process ends; the operator's podFailurePolicy reads these."""

    DECIDED = 0
    """Promoted, staged, rejected or skipped: the result says which."""
    BAD_CONFIGURATION = 64
    """Nothing that a retry could mend: a wrong value, name or password."""
    UNUSABLE_DATA = 65
    """The data cannot be used as it is; a retry would read the same."""
    UNAVAILABLE = 69
    """A service did not answer; counts against the retry limit."""
    INTERNAL = 70
    """A fault of the program; counts against the retry limit."""


PERMANENT_EXIT_CODES = (ExitCode.BAD_CONFIGURATION, ExitCode.UNUSABLE_DATA)
