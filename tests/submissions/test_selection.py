"""Choosing models by their ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtsr_bench.errors import UserError
from rtsr_bench.submissions import Submission, discover
from rtsr_bench.submissions.selection import with_models

FOLDERS = ("bicubic", "rt4ksr")


@pytest.fixture(scope="module")
def submitted_images() -> tuple[Submission, ...]:
    root = Path(__file__).parents[2] / "reference_models"
    return tuple(submission for name in FOLDERS for submission in discover(root / name))


def ids(submissions: tuple[Submission, ...]) -> list[str]:
    return [model.id for submission in submissions for model in submission.models]


def test_without_a_pattern_everything_is_there(submitted_images: tuple[Submission, ...]) -> None:
    assert with_models(submitted_images, ()) == submitted_images


def test_patterns_choose_models_and_drop_what_is_left_empty(submitted_images: tuple[Submission, ...]) -> None:
    assert ids(with_models(submitted_images, ("rt4ksr/s-x[23]",))) == ["rt4ksr/s-x2", "rt4ksr/s-x3"]
    assert [submission.id for submission in with_models(submitted_images, ("rt4ksr/xs-x2",))] == ["rt4ksr"]
    assert ids(with_models(submitted_images, ("bicubic/*", "rt4ksr/m-x2"))) == [
        "bicubic/x2", "bicubic/x3", "bicubic/x4", "rt4ksr/m-x2"
    ]  # fmt: skip


def test_pattern_without_a_model_is_reported(submitted_images: tuple[Submission, ...]) -> None:
    with pytest.raises(UserError, match=r"--model rt4ksr/s-x5: expected the id .* did you mean"):
        with_models(submitted_images, ("bicubic/x2", "rt4ksr/s-x5"))
