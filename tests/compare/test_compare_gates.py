"""Limits in CI: the interval of the runtime decides, and the mean difference of PSNR."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rtsr_bench.cli.comparing import exit_code
from rtsr_bench.compare.gates import slower_gate, worse_gate
from rtsr_bench.comparison import Bounds, Gate, MetricComparison, RuntimeComparison, Verdict


def runtime(interval: Bounds | None) -> RuntimeComparison:
    if interval is not None:
        interval = math.log1p(interval[0]), math.log1p(interval[1])
    return RuntimeComparison(
        verdict=Verdict.SAME, reason="", a_ms=1.0, b_ms=1.0, ratio=0.0, interval=interval, floor=0.02
    )


def psnr(difference: float, images: int = 14) -> MetricComparison:
    rest: Any = {"verdict": Verdict.SAME, "reason": "", "title": "PSNR", "unit": "dB", "digits": 3, "better": "higher"}
    return MetricComparison(
        metric="psnr", convention="rgb_b0", images=images, a=30.0, b=30.0 + difference, difference=difference, **rest
    )


@pytest.mark.parametrize(
    ("interval", "passed"),
    [((-0.01, 0.01), True), ((0.01, 0.03), True), ((0.04, 0.06), False), ((0.02, 0.04), None), (None, None)],
)
def test_the_whole_interval_has_to_be_on_one_side_of_the_limit(interval: Bounds | None, passed: bool | None) -> None:
    gate = slower_gate(0.03, runtime(interval))
    assert (gate.option, gate.passed) == ("--fail-if-slower 3%", passed)
    assert gate.words.startswith({True: "passed", False: "failed", None: "not decided"}[passed])


@pytest.mark.parametrize(("difference", "passed"), [(0.2, True), (-0.05, True), (-0.051, False)])
def test_the_mean_difference_of_psnr_decides(difference: float, passed: bool) -> None:
    gate = worse_gate(0.05, psnr(difference))
    assert (gate.option, gate.passed) == ("--fail-if-worse 0.05dB", passed)
    assert worse_gate(0.05, None).passed is None
    assert worse_gate(0.05, psnr(0.0, images=0)).passed is None


def test_a_failed_limit_comes_before_an_undecided_one() -> None:
    passed, failed, open_ = (Gate(option="", passed=one, words="") for one in (True, False, None))
    assert [exit_code(gates) for gates in ([], [passed], [passed, open_], [open_, failed])] == [0, 0, 4, 1]
