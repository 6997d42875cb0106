"""Choosing among the models of what was submitted, by patterns on their ids."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rtsr_bench.errors import UserError
from rtsr_bench.files.table import closest
from rtsr_bench.protocol import SCALES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtsr_bench.submissions.submission import ModelSpec, Submission


def with_models(submissions: Sequence[Submission], patterns: Sequence[str]) -> tuple[Submission, ...]:
    """The submissions with only the models whose id matches one of the patterns, such as `rt4ksr/s-*` or `*-x2`.

    Without a pattern all of them; submissions of which nothing is left are left out. A model of unknown scale stays if
    a pattern matches its id at any scale. UserError for a pattern that matches no model.
    """
    if not patterns:
        return tuple(submissions)
    known = [model for submission in submissions for model in submission.models]
    for pattern in patterns:
        if not any(is_chosen(model, [pattern]) for model in known):
            ids = [model.id for model in known]
            some = ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")
            raise UserError(
                f"--model {pattern}: expected the id of a model submitted, such as {some}, found none"
                f"{closest(pattern, ids)}"
            )
    chosen = (
        replace(submission, models=tuple(model for model in submission.models if is_chosen(model, patterns)))
        for submission in submissions
    )
    return tuple(submission for submission in chosen if submission.models)


def is_chosen(model: ModelSpec, patterns: Sequence[str]) -> bool:
    """Whether a pattern matches the id of a model, at any scale if its scale is not known; without a pattern always."""
    ids = {model.id} if model.scale else {model.id, *(model.with_scale(scale).id for scale in SCALES)}
    return not patterns or any(fnmatchcase(name, pattern) for name in ids for pattern in patterns)
