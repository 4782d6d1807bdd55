"""What can go wrong, by what the caller can do about it."""

EXIT_FAILED = 1
EXIT_UNAVAILABLE = 69


class ClusterError(Exception):
    """A step failed; running the command again may help."""

    exit_code = EXIT_FAILED


class UnavailableError(ClusterError):
    """Something is missing on this machine; running again without changing it cannot help."""

    exit_code = EXIT_UNAVAILABLE
