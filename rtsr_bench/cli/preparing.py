"""Preparation of submissions before a run is planned: their requirements are installed or reported."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rtsr_bench.errors import HarnessError, RtsrBenchError, UserError

if TYPE_CHECKING:
    from rtsr_bench.cli.progress import Display
    from rtsr_bench.submissions import Note, Submission

_SHOWN = 5


def name_skipped(skipped: Sequence[Note], display: Display, *, verbose: bool) -> None:
    """Report entries of a folder of submissions that are not submissions; `verbose` gives each reason."""
    from rtsr_bench.text import ascii_safe

    if verbose or len(skipped) == 1:
        for note in skipped:
            display.note(note.message)
    elif skipped:
        names = ", ".join(ascii_safe(note.source.name)[:40] for note in skipped[:_SHOWN])
        more = f" and {len(skipped) - _SHOWN} more" if len(skipped) > _SHOWN else ""
        display.note(f"left out (not submissions): {names}{more} (-v says why)")


def equipped(
    submissions: Sequence[Submission], display: Display, *, install: bool
) -> tuple[list[Submission], list[RtsrBenchError]]:
    """Report missing requirements of submissions, or install them; a submission for which this fails is an error.

    If no submission is left, UserError (or HarnessError if one of the errors is not the submission's fault).
    """
    ready: list[Submission] = []
    troubles: list[RtsrBenchError] = []
    for submission in submissions:
        try:
            ready.append(_equipped(submission, display, install=install))
        except RtsrBenchError as error:
            troubles.append(error)
        except Exception as error:
            if os.environ.get("RTSR_BENCH_DEBUG"):
                raise
            what = f"{type(error).__name__}: {error} (RTSR_BENCH_DEBUG=1 shows where)"
            troubles.append(HarnessError(f"{submission.id}: its requirements could not be read: {what}"))
    if not ready and troubles:
        kind = HarnessError if any(isinstance(one, HarnessError) for one in troubles) else UserError
        raise kind("; ".join(map(str, troubles)))
    return ready, troubles


def _equipped(submission: Submission, display: Display, *, install: bool) -> Submission:
    from rtsr_bench.submissions import unmet, with_packages

    if install:
        return with_packages(submission)
    for line in unmet(submission.requirements):
        display.note(f"{submission.id} requires {line}; --with-requirements installs it")
    return submission
