"""Choosing among the models of what was handed in, by patterns on their ids."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtsr_bench.submissions.submission import Submission


def with_models(submissions: Sequence[Submission], patterns: Sequence[str]) -> tuple[Submission, ...]:
    """The submissions with only the models whose id matches one of the patterns, such as `rt4ksr/s-*` or `*-x2`.

    Without a pattern all of them; submissions of which nothing is left are left out. UserError for a pattern that
    matches no model.
    """
    if not patterns:
        return tuple(submissions)
    known = [model.id for submission in submissions for model in submission.models]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            some = ", ".join(known[:3]) + (", ..." if len(known) > 3 else "")
            hint = closest(pattern, known)
            raise UserError(
                f"--model {pattern}: expected the id of a model handed in, such as {some}, found none{hint}"
            )
    chosen = (
        replace(
            submission,
            models=tuple(m for m in submission.models if any(fnmatchcase(m.id, pattern) for pattern in patterns)),
        )
        for submission in submissions
    )
    return tuple(submission for submission in chosen if submission.models)
