"""Errors of the user and of the harness. A guest's failure is not an exception but a `record.Failure`."""


class RtsrBenchError(Exception):
    """Base of the errors that this package raises on purpose; `exit_code` is the exit code of the command line."""

    exit_code = 1


class UserError(RtsrBenchError):
    """The request is invalid. The message is one line: the object, what was expected, what was found, what to do."""

    exit_code = 2


class HarnessError(RtsrBenchError):
    """The harness or the machine failed (GPU lost, disk full, a bug): no record is written, the run continues."""

    exit_code = 3
