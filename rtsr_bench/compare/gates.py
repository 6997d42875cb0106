"""Limits that a user sets for a comparison in CI: passed, not passed, or not decided."""

from __future__ import annotations

import math

from rtsr_bench.comparison import Gate, MetricComparison, RuntimeComparison, percent, shown_percent


def slower_gate(limit: float, runtime: RuntimeComparison) -> Gate:
    """Judge whether B is slower than A by more than `limit` (0.03 for 3 %): the whole interval has to say so.

    Not decided if the limit lies within the interval, or there is no interval.
    """
    option, most = f"--fail-if-slower {100 * limit:g}%", math.log1p(limit)
    if runtime.interval is None:
        return Gate(option=option, passed=None, words="not decided: there is no interval")
    low, high = runtime.interval
    said = f"the interval is {shown_percent(low)} to {shown_percent(high)} %, the limit {percent(most):.3g} %"
    if high <= most:
        return Gate(option=option, passed=True, words=f"passed: {said}")
    if low > most:
        return Gate(option=option, passed=False, words=f"failed: {said}")
    return Gate(option=option, passed=None, words=f"not decided: {said}, within it")


def worse_gate(limit_db: float, psnr: MetricComparison | None) -> Gate:
    """Judge whether the mean PSNR of B is lower than that of A by more than `limit_db` on these very images.

    They are fixed and the measurement is repeatable, so the mean difference decides and not its interval.
    """
    option = f"--fail-if-worse {limit_db:g}dB"
    if psnr is None or not psnr.images:
        return Gate(option=option, passed=None, words="not decided: no PSNR was compared")
    passed = psnr.difference >= -limit_db
    said = f"the mean difference is {psnr.difference:+z.4f} dB over {psnr.images} images, the limit {-limit_db:g} dB"
    return Gate(option=option, passed=passed, words=f"{'passed' if passed else 'failed'}: {said}")
