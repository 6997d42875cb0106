"""Preparation of submissions before a run is planned: their requirements are installed or reported."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
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
    submissions: Sequence[Submission], display: Display, *, install: bool, stub: bool = False
) -> tuple[list[Submission], list[RtsrBenchError]]:
    """Report missing requirements of submissions, or install them; a submission for which this fails is an error.

    With `stub`, a stub replaces what cannot be installed: this is reported and is not an error.
    If no submission is left, UserError (or HarnessError if one of the errors is not the submission's fault).
    """
    ready: list[Submission] = []
    troubles: list[RtsrBenchError] = []
    for submission in submissions:
        try:
            ready.append(with_requirements(submission, display.note, install=install, stub=stub))
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


def with_requirements(
    submission: Submission, tell: Callable[[str], object], *, install: bool, stub: bool
) -> Submission:
    """Install what a submission requires and return it with that, or report what is not met and the solutions.

    UserError if its packages are not available; with `stub` this is reported, and it runs with the available ones.
    """
    from rtsr_bench.submissions import unmet, with_packages
    from rtsr_bench.submissions.packages import is_held

    if install:
        try:
            return with_packages(submission, tell=tell, partly=stub)
        except UserError as error:
            if not stub:
                raise
            tell(f"{error}; it runs with stubs instead (--stub-missing)")
            return submission
    ways = "--with-requirements installs it" + (
        "" if stub else ", --stub-missing replaces it with a stub if inference does not use it"
    )
    for line in unmet(submission.requirements):
        held = "it runs with what is installed" if is_held(line) else ways
        tell(f"{submission.id} requires {line}; {held}")
    return submission
