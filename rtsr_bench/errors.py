"""Whose fault it is: the user's, or the harness's. A guest's failure is no exception but a `record.Failure`."""


class RtsrBenchError(Exception):
    """Base of the errors this package raises on purpose; `exit_code` is what the command line leaves with."""

    exit_code = 1


class UserError(RtsrBenchError):
    """The user asked for what cannot be: one line naming the thing, what was expected, what was found, what to do."""

    exit_code = 2


class HarnessError(RtsrBenchError):
    """The harness broke (GPU lost, disk full, our bug): no record is written, the batch goes on."""

    exit_code = 3
