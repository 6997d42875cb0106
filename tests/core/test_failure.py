"""A reason of a failure: kept whole, and its first sentence."""

from __future__ import annotations

import pytest

from rtsr_bench.eligibility import failure_words
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.record.failure import MAX_BRIEF, MAX_REASON, first_sentence, whole_reason


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one", "one"),
        (" one\n\n  two\tthree \n", "one two three"),
        ("CUDA error: device assert\nFor debugging pass X", "CUDA error: device assert. For debugging pass X"),
        ("Error(s) in loading Net:\n\tMissing: a,\n\tB", "Error(s) in loading Net: Missing: a, B"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_reason_is_kept_whole_on_one_line(text: str, line: str) -> None:
    assert whole_reason(text) == line
    assert whole_reason(line) == line


def test_a_very_long_reason_keeps_its_beginning_and_its_end() -> None:
    line = whole_reason("begin " + "middle " * 9999 + "end")
    assert len(line) <= MAX_REASON
    assert line.startswith("begin middle")
    assert " … " in line
    assert line.endswith("middle end")
    assert whole_reason(line) == line


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("It broke. Then it rained.", "It broke"),
        ("net.pth is v1.2 of x. y", "net.pth is v1.2 of x. y"),
        ("No end", "No end"),
        ("Why? Because", "Why?"),
        ("x" * 999, "x" * (MAX_BRIEF - 1) + "…"),
    ],
)
def test_the_first_sentence_stands_for_a_reason(reason: str, sentence: str) -> None:
    failure = Failure(stage=Stage.LOAD, kind=FailureKind.CRASHED, message=reason)
    assert first_sentence(reason) == failure.brief == sentence
    assert failure_words(failure, brief=True) == f"The model crashed while loading: {sentence}"
    assert failure_words(failure) == f"The model crashed while loading: {reason}"
