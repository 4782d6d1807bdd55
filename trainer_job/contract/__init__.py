"""What the operator and the job share: configuration in, result out, exit codes.

The operator writes one JSON document (:class:`RunDocument`) into the environment variable
``TRAINER_RUN`` of the Job; the job answers with one JSON document (:class:`Result`) in its
termination message and as the last line of its log. Nothing else passes between the two, so
this package imports nothing but pydantic and the standard library.
"""

from trainer_job.contract.document import (
    DEFAULT_LOOKBACK,
    DEFAULT_MODEL_NAME,
    DataSpec,
    FeaturesSpec,
    GatesSpec,
    ModelSpec,
    PromoteTask,
    PromotionSpec,
    RunDocument,
    RunIdentity,
    TrackingSpec,
)
from trainer_job.contract.process import (
    DATABASE_VARIABLES,
    PERMANENT_EXIT_CODES,
    RUN_VARIABLE,
    TERMINATION_LOG,
    TRACKING_VARIABLES,
    ExitCode,
)
from trainer_job.contract.result import (
    RESULT_LIMIT,
    Champion,
    DataSummary,
    Decision,
    Failure,
    ModelSummary,
    Outcome,
    Progress,
    Result,
    Stage,
    decode_result,
    encode_result,
    parse_progress,
    progress_line,
)
from trainer_job.contract.values import (
    DURATION_PATTERN,
    Duration,
    Model,
    Timestamp,
    format_duration,
    format_timestamp,
    parse_duration,
)

__all__ = [
    "DATABASE_VARIABLES",
    "DEFAULT_LOOKBACK",
    "DEFAULT_MODEL_NAME",
    "DURATION_PATTERN",
    "PERMANENT_EXIT_CODES",
    "RESULT_LIMIT",
    "RUN_VARIABLE",
    "TERMINATION_LOG",
    "TRACKING_VARIABLES",
    "Champion",
    "DataSpec",
    "DataSummary",
    "Decision",
    "Duration",
    "ExitCode",
    "Failure",
    "FeaturesSpec",
    "GatesSpec",
    "Model",
    "ModelSpec",
    "ModelSummary",
    "Outcome",
    "Progress",
    "PromoteTask",
    "PromotionSpec",
    "Result",
    "RunDocument",
    "RunIdentity",
    "Stage",
    "Timestamp",
    "TrackingSpec",
    "decode_result",
    "encode_result",
    "format_duration",
    "format_timestamp",
    "parse_duration",
    "parse_progress",
    "progress_line",
]
