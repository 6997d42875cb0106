"""Whether what a child says of its runtime agrees with what the parent saw, and whether the outputs do.

Tolerances are such that a busy machine is not taken for a cheat: a process that has to wait for its turn makes every
duration longer, samples included, so what is compared are quartiles and least values, with room for what a repeat costs
without any model, as measured on this machine before the guest came. What stays below is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from rtsr_bench.evaluate.conduct import Call, Input, Values
from rtsr_bench.protocol import Precision
from rtsr_bench.record import Failure, FailureKind, Stage

_GAP_FACTOR, _SHARE = 3.0, 0.25
_SLACK_MS = {"cpu": 20.0, "cuda": 2.0}
"""What waking two processes may take for a while on a busy machine; far below a frame on a CPU. CUDA: not yet tried."""

_IMAGE_FACTOR = 2.0
"""Denormals, early exits and caches make an image's time differ from random numbers', not by so much."""

_LOOSE = 0.05
_OUTPUT_TOLERANCE = {Precision.FP32: 0.02}
"""Root mean square of the difference over the output's own spread. Another algorithm for the same convolution (TF32, or
cuDNN's choice of the day) stays well below; the output for another input is at 1.4. CUDA: not yet tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """What a repeat costs beside the model: the median and the worst of some without one, ms; and a copy's worst."""

    usual_ms: float
    worst_ms: float
    copy_ms: float

    @classmethod
    def of(cls, calls: Sequence[Call]) -> Gap:
        """Take it from calls without a model, some of which copied the whole output."""
        gaps = [call.bracket_s * 1e3 - call.sample_ms for call in calls]
        copies = [call.sample_ms for call in calls if call.given.whole]
        return cls(usual_ms=median(gaps), worst_ms=max(gaps), copy_ms=max(copies))


def _inconsistent(message: str) -> Failure:
    return Failure(stage=Stage.RUNTIME, kind=FailureKind.INCONSISTENT, message=message)


def check_clock(calls: Sequence[Call], gap: Gap, device_kind: str) -> Failure | None:
    """Compare the samples of the repeats with the parent's clock: not longer than it, nor hiding work beside them."""
    samples, brackets = [call.sample_ms for call in calls], [call.bracket_s * 1e3 for call in calls]
    slack = _SLACK_MS[device_kind]
    if math.fsum(samples) > 1.01 * math.fsum(brackets) + slack:
        return _inconsistent(
            f"the samples add up to {math.fsum(samples):.1f} ms, while {math.fsum(brackets):.1f} ms passed on the "
            "harness's clock"
        )
    besides = sorted(bracket - sample for bracket, sample in zip(brackets, samples, strict=True))
    quartile = besides[0] if len(besides) < 4 else quantiles(besides, n=4)[0]
    allowed = _GAP_FACTOR * gap.worst_ms + _SHARE * median(samples) + slack
    if quartile > allowed:
        return _inconsistent(
            f"the samples say {median(samples):.2f} ms a frame, but beside them another {quartile:.2f} ms passed on "
            f"the harness's clock, at most {allowed:.2f} ms expected"
        )
    return None


def check_images(calls: Sequence[Call], images: Sequence[Call], gap: Gap, device_kind: str) -> Failure | None:
    """Compare calls on images, with the whole output copied at once, with the samples of the repeats.

    One call within the tolerance is enough: the guest can't know which, and the machine may be busy at the others.
    """
    usual = median(call.sample_ms for call in calls)
    least = min(max(call.sample_ms, call.bracket_s * 1e3 - _GAP_FACTOR * gap.worst_ms) for call in images)
    allowed = _IMAGE_FACTOR * usual + 2 * gap.copy_ms + _SLACK_MS[device_kind]
    if least > allowed:
        return _inconsistent(
            f"the samples say {usual:.2f} ms a frame, but on an image, with the output read at once, it took "
            f"{least:.2f} ms, at most {allowed:.2f} ms expected"
        )
    return None


def check_outputs(
    expected: Mapping[Input, Values], found: Mapping[Input, Values], precision: Precision
) -> Failure | None:
    """Compare what timed calls gave with what the model gave in another process for the same inputs."""
    tolerance = _OUTPUT_TOLERANCE.get(precision, _LOOSE)
    for given, values in expected.items():
        difference = distance(values, found[given])
        if difference > tolerance:
            what = "an image" if given.image is not None else "random numbers"
            return _inconsistent(
                f"what a timed call gave for {what} differs from what the model gave for them in another process by "
                f"{difference:.3g} of its spread, at most {tolerance:g} expected"
            )
    return None


def distance(expected: Values, found: Values) -> float:
    """Root mean square of the difference over the spread of what is expected; not finite is equal to not finite."""
    if len(expected) != len(found):
        return math.inf
    finite = [a for a in expected if a is not None]
    odd = sum((a is None) != (b is None) for a, b in zip(expected, found, strict=True))
    # A value at the edge of what half precision holds may fall on either side of it.
    if odd > 0.1 * len(expected):
        return math.inf
    pairs = [(a, b) for a, b in zip(expected, found, strict=True) if a is not None and b is not None]
    if not pairs:
        return 0.0
    mean = math.fsum(finite) / len(finite)
    spread = math.sqrt(math.fsum((a - mean) ** 2 for a in finite) / len(finite))
    error = math.sqrt(math.fsum((a - b) ** 2 for a, b in pairs) / len(pairs))
    return error / max(spread, 1e-3 * abs(mean), 1e-6)
