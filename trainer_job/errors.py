"""Faults that end a run: the class says whether a retry can help."""

import os
import re
from collections.abc import Mapping

from trainer_job.contract import ExitCode, Failure


class JobError(Exception):
    """A fault with a reason for machines and a sentence for people.

    Parameters
    ----------
    reason
        Constant of :mod:`trainer_job.reasons`.
    message
        What happened, on what object, and what to do next.
    """

    exit_code = ExitCode.INTERNAL

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    def to_failure(self) -> Failure:
        """Return the failure that the result carries."""
        # Names of files may hold what is no text.
        message = self.message.encode("utf-8", "replace").decode()
        return Failure(reason=self.reason, message=redact(message))


class BadConfiguration(JobError):
    """Nothing that a retry could mend."""

    exit_code = ExitCode.BAD_CONFIGURATION


class UnusableData(JobError):
    """A retry would read the same data."""

    exit_code = ExitCode.UNUSABLE_DATA


class Unavailable(JobError):
    """A service did not answer in the time that it had."""

    exit_code = ExitCode.UNAVAILABLE


class Terminated(BaseException):
    """The process was asked to end (SIGTERM).

    Not an `Exception`, so that no retry loop takes it for a fault of a service.
    """


_SECRETS = ("POSTGRES_PASSWORD", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
# The second form is no valid URL, but what a password with a slash looks like: after the colon
# stands no port.
_USERINFO = re.compile(r"(?<=://)(?:[^/?#\s]+@|[^/?#\s:]*:(?!\d+[/?#])\S*@)")


def redact(text: str, environ: Mapping[str, str] | None = None) -> str:
    """Return `text` without the passwords of the environment and of URLs.

    Very short values are left alone: they would blank out half of the sentence.
    """
    environ = os.environ if environ is None else environ
    for name in _SECRETS:
        value = environ.get(name, "")
        if len(value) >= 4:
            text = text.replace(value, "***")
    return _USERINFO.sub("***@", text)


def without_userinfo(text: str) -> str:
    """Return `text` without users and passwords in its URLs."""
    return _USERINFO.sub("", text)
