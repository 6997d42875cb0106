"""What the end of a run says: how many failed and how, and where the time went."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # demo_records serves the tests of several rooms

from demo_records import CPU, failure, record

from rtsr_bench.cli.summary import clock, how_they_failed, where_the_time_went, worst
from rtsr_bench.record import FailureKind, Fidelity, Record, Runtime, Stage


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0:00:00"), (59.6, "0:01:00"), (3723, "1:02:03"), (90_000, "25:00:00")]
)
def test_a_clock_counts_hours_past_a_day(seconds: float, said: str) -> None:
    assert clock(seconds) == said


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ([4, 1], 1),
        ([1, 4], 1),
        ([4, 2], 2),
        ([3, 4, 1], 3),
        ([0, 4], 4),
        ([4, 4], 4),
        ([0, 1], 1),
        ([0, 0], 0),
        ([], 0),
    ],
)
def test_of_several_exit_codes_the_worst_that_says_something_failed_wins(codes: list[int], said: int) -> None:
    assert worst(codes) == said


def test_no_line_about_failures_without_failures() -> None:
    assert how_they_failed([record()]) == ""
    assert how_they_failed([]) == ""


def test_failures_are_counted_once_a_record_the_most_frequent_kind_first() -> None:
    crashed = record(fidelity=failure(Stage.ENHANCE, FailureKind.CRASHED), runtime=None)
    late = record(runtime=failure(Stage.RUNTIME, FailureKind.TIMEOUT))
    full = record(fidelity=failure(Stage.ENHANCE, FailureKind.OUT_OF_MEMORY), complexity=failure(Stage.COMPLEXITY))
    said = how_they_failed([crashed, record(), late, late, full])
    assert said == "4 of 5 failed: 2 timeout, 1 crashed, 1 out of memory"


def _timed(wall_s: float, images_s: float, timed_s: float, **changes: Any) -> Record:
    plain = record(system=CPU)
    assert isinstance(plain.fidelity, Fidelity)
    assert isinstance(plain.runtime, Runtime)
    fidelity, runtime = replace(plain.fidelity, wall_s=images_s), replace(plain.runtime, wall_s=timed_s)
    return replace(plain, wall_s=wall_s, fidelity=fidelity, runtime=runtime, **changes)


def test_the_rest_is_what_neither_images_nor_timed_calls_took() -> None:
    lines = list(where_the_time_went([_timed(20, 6, 9), _timed(10, 2, 3)], 31.2))
    assert lines == ["took 0:00:31", "a model took 15.0 s on average: images 4.0 s, timed calls 6.0 s, overhead 5.0 s"]


def test_images_made_twice_count_twice_and_failures_are_in_no_mean() -> None:
    whole = _timed(20, 6, 9)
    assert isinstance(whole.fidelity, Fidelity)
    both = replace(whole, fidelity_fp32=replace(whole.fidelity, wall_s=3))
    lines = list(where_the_time_went([both, record(runtime=failure())], 3600))
    assert lines == ["took 1:00:00", "a model took 20.0 s on average: images 9.0 s, timed calls 9.0 s, overhead 2.0 s"]


def test_only_the_time_is_reported_if_all_failed() -> None:
    assert list(where_the_time_went([record(runtime=failure())], 5)) == ["took 0:00:05"]
