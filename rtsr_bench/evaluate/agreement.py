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

_FEW = 8
"""Repeats below which the median is one lucky call or another."""

_IMAGE_FACTOR = 2.0
"""Denormals, early exits and caches make an image's time differ from random numbers', not by so much."""

_THREADS_FACTOR, _THREADS_SLACK_S = 1.25, 0.3
"""Room for the interpreter's and the runtime's own threads, and for a clock that ticks a hundred times a second."""

_LOOSE = 0.05
_OUTPUT_TOLERANCE = {Precision.FP32: 0.02}
"""For random numbers: root mean square of the difference over the output's own spread. Another algorithm for the same
convolution (TF32, or cuDNN's choice of the day) stays well below; the output for another input is at 1.4. CUDA: not yet
tried."""

_ALIKE_DB = {
    "cpu": {Precision.FP32: 60.0, Precision.FP16: 50.0, Precision.AMP_FP16: 50.0},
    "cuda": {Precision.FP32: 42.0, Precision.FP16: 42.0, Precision.AMP_FP16: 42.0},
}
_ALIKE_BF16_DB = {"cpu": 37.0, "cuda": 30.0}
"""For images: PSNR between two SR images that the same model made of one LR image, in two processes. On a CPU the same
algorithm runs in both, on a card perhaps another one, in fp32 perhaps in TF32, which has as many digits as fp16; so it
may be as far off as the number format is: RT4KSR-S in fp16 and in fp32 are 53 to 54 dB apart where there is most
detail, our own weights of it 46 to 48 dB, in bf16 and fp32 39 to 42 dB. Another model stays below
where there is detail: see `detail`. CUDA: not yet tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """What a repeat costs beside the model: the median and the worst of some without one, ms.

    `copy_ms` is the worst copy of a whole output, `look_ms` the worst look into one.
    """

    usual_ms: float
    worst_ms: float
    copy_ms: float
    look_ms: float = 0.0

    @classmethod
    def of(cls, calls: Sequence[Call]) -> Gap:
        """Take it from calls without a model: some with random numbers, some with an image and a copy of the output."""
        gaps = [call.bracket_s * 1e3 - call.sample_ms for call in calls]
        usual = [gap for call, gap in zip(calls, gaps, strict=True) if call.given.image is None]
        copies = [call.sample_ms for call in calls if call.given.whole]
        looks = [call.look_s * 1e3 for call in calls]
        return cls(usual_ms=median(usual), worst_ms=max(gaps), copy_ms=max(copies), look_ms=max(looks))


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

    What an image took is seen by the harness's clock, and so is the look into its output. One call within the tolerance
    is enough, because the machine may be busy at the others; no two are given the same image. Of a few repeats the
    longest speaks for all: where threads wait for each other beside other work, a call of 3 ms takes 550 at times.
    """
    samples = [call.sample_ms for call in calls]
    usual = median(samples) if len(samples) >= _FEW else max(samples)
    least = min(_took_ms(call, gap) for call in images)
    allowed = _IMAGE_FACTOR * usual + 2 * gap.copy_ms + _SLACK_MS[device_kind]
    if least > allowed:
        return _inconsistent(
            f"the samples say {usual:.2f} ms a frame, but on an image{_quickest(len(images))}, with the output read at "
            f"once, it took {least:.2f} ms, at most {allowed:.2f} ms expected"
        )
    return None


def _quickest(count: int) -> str:
    return "" if count == 1 else f" (the quickest of {count})"


def check_threads(worked_s: float, passed_s: float, threads: int) -> Failure | None:
    """Compare the time that processors worked for the guest, as the kernel counted it, with what its threads can do."""
    allowed = _THREADS_FACTOR * threads * passed_s + _THREADS_SLACK_S
    if worked_s > allowed:
        return _inconsistent(
            f"{worked_s:.1f} s of processor time in {passed_s:.1f} s, more than {threads} threads can use, at most "
            f"{allowed:.1f} s expected"
        )
    return None


def _took_ms(call: Call, gap: Gap) -> float:
    seen = max(call.sample_ms, call.bracket_s * 1e3 - _GAP_FACTOR * gap.worst_ms)
    return seen + max(0.0, call.look_s * 1e3 - _GAP_FACTOR * gap.look_ms)


def differences(
    expected: Mapping[Input, Values], found: Mapping[Input, Values], data_range: float = 1.0
) -> dict[Input, float]:
    """Say of each input that two processes were given how far its outputs are apart.

    Of random numbers that is `distance`. Of an image it is the mean square of the difference on 0..255, between the
    values of its SR image and those that a timed call gave, turned into pixels as for an SR image.
    """
    return {
        given: distance(values, found[given])
        if given.image is None
        else _pixels_apart(values, found[given], data_range)
        for given, values in expected.items()
        if given in found
    }


def _pixels_apart(expected: Values, found: Values, data_range: float) -> float:
    if len(expected) != len(found) or None in expected or None in found:
        return math.inf  # an SR image is finite everywhere, or there is none
    pairs = zip(expected, found, strict=True)
    squares = [
        (a - round(min(1.0, max(0.0, b / data_range)) * 255)) ** 2 for a, b in pairs if a is not None and b is not None
    ]
    return math.fsum(squares) / len(squares)


def most_apart(precision: Precision, device_kind: str) -> float:
    """Return how far two SR images of one model may be apart, as a mean square on 0..255."""
    least_db = _ALIKE_DB[device_kind].get(precision, _ALIKE_BF16_DB[device_kind])
    return 255**2 / 10 ** (least_db / 10)


def check_outputs(apart: Mapping[Input, float], precision: Precision, device_kind: str) -> Failure | None:
    """See that timed calls gave what the model gave in another process for the same inputs."""
    tolerance, most = _OUTPUT_TOLERANCE.get(precision, _LOOSE), most_apart(precision, device_kind)
    for given, difference in apart.items():
        if given.image is None and not difference <= tolerance:
            return _inconsistent(
                "what a timed call gave for random numbers differs from what the model gave for them in another "
                f"process by {difference:.3g} of its spread, at most {tolerance:g} expected"
            )
        if given.image is not None and not difference <= most:
            return _inconsistent(
                "what a timed call gave for an image differs from its SR image that another process made by a mean "
                f"square of {difference:.3g} (pixel values of 0..255), at most {most:.2g} expected"
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
