"""Faults of the operator: the exception's class is the retry policy."""


class SettingsError(Exception):
    """A setting of the operator cannot be used; it does not start."""


class ClusterError(Exception):
    """The API server did not do what it was asked; the run is looked at again."""


class Unavailable(ClusterError):
    """It did not answer, or not now."""


class Expired(ClusterError):
    """The changes since a version are not kept any more: all has to be listed anew."""


class NotFound(ClusterError):
    """The object does not exist, or no longer."""


class Changed(ClusterError):
    """The object is not the one that was read: read it again and decide anew."""


class Refused(ClusterError):
    """It will not, whoever asks again: forbidden, invalid, or a field that somebody else owns.

    Parameters
    ----------
    message
        What the API server said.
    for_good
        Whether the same request can never succeed. A quota, for one, may grow.
    """

    def __init__(self, message: str, *, for_good: bool) -> None:
        super().__init__(message)
        self.message = message
        self.for_good = for_good
