"""Whether what a child says of its runtime agrees with what the parent saw, and images with random numbers.

A busy machine makes any call longer, so that nothing here is said of calls that foreign load may have disturbed (see
`evaluate.quiet`), but for two things that no load can cause: samples that add up to more than what passed, and more
processor time than the threads that were given can use. What is compared are quartiles, with room for what a call costs
without a model, as measured in the same process before the guest came.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rtsr_bench.evaluate.conduct import Call
from rtsr_bench.record import Failure, FailureKind, Stage
from rtsr_bench.statistics import median, percentile

IMAGE_FACTOR, FRAME_SHARE = 1.25, 0.03
"""Images may take 1.25 times what random numbers take, and 3 % of a frame: denormals and caches make no more."""

QUANTILES = (50, 25, 75, 10, 5)
"""Percent of the calls, sorted by time, up to which images are compared with random numbers. The low ones see a model
that skips its work for some random numbers only, which the mean pays for."""

TICK_MS = {"cpu": 0.2, "cuda": 0.05}
"""What waking threads or launching kernels may take in one call and not in another. CUDA: not yet tried."""

_GAP_FACTOR, _SHARE = 1.5, 0.05
_SLACK_MS = {"cpu": 5.0, "cuda": 1.0}
"""What waking two processes may take. CUDA: not yet tried."""

_SEEN_BEFORE = 0.5
"""No honest model answers an input of the warm-up in half of the time of a new one."""

_THREADS_FACTOR, _THREADS_SLACK_S = 1.25, 0.3
"""Room for the interpreter's and the runtime's own threads, and for a clock that ticks a hundred times a second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """What a call costs beside the model, ms: of some calls without one the median, else the 90th percentile.

    `usual_ms` and `high_ms`: bracket minus sample of random inputs; `image_ms`: the same of images; `look_ms`: reading
    a whole output.
    """

    usual_ms: float
    high_ms: float
    image_ms: float
    look_ms: float = 0.0

    @classmethod
    def of(cls, calls: Sequence[Call]) -> Gap:
        """Take it from calls without a model, with random numbers and with images."""
        noise = [besides(call) for call in calls if call.given.image is None]
        images = [call for call in calls if call.given.image is not None]
        return cls(
            usual_ms=median(noise),
            high_ms=percentile(noise, 90),
            image_ms=percentile([besides(call) for call in images], 90),
            look_ms=percentile([call.look_s * 1e3 for call in images], 90),
        )


def besides(call: Call) -> float:
    """Milliseconds that passed on the parent's clock beside the sample."""
    return call.bracket_s * 1e3 - call.sample_ms


def inconsistent(message: str) -> Failure:
    """A runtime that contradicts what was observed."""
    return Failure(stage=Stage.RUNTIME, kind=FailureKind.INCONSISTENT, message=message)


def check_sum(calls: Sequence[Call], device_kind: str) -> Failure | None:
    """See that the samples do not add up to more than what passed on the parent's clock."""
    samples = math.fsum(call.sample_ms for call in calls)
    brackets = math.fsum(call.bracket_s * 1e3 for call in calls)
    if samples > 1.01 * brackets + _SLACK_MS[device_kind]:
        return inconsistent(
            f"the samples add up to {samples:.1f} ms, while {brackets:.1f} ms passed on the harness's clock"
        )
    return None


def check_besides(calls: Sequence[Call], gap: Gap, device_kind: str) -> Failure | None:
    """See that no work is hidden beside the samples; for undisturbed calls of one kind, random numbers or images."""
    what = "random numbers" if calls[0].given.image is None else "images"
    most = gap.high_ms if calls[0].given.image is None else gap.image_ms
    frame = median([call.sample_ms for call in calls])
    quartile = percentile([besides(call) for call in calls], 25)
    allowed = _GAP_FACTOR * max(0.0, most) + _SHARE * frame + _SLACK_MS[device_kind]
    if quartile > allowed:
        return inconsistent(
            f"the samples on {what} report {frame:.2f} ms per frame, but {quartile:.2f} ms more passed beside them on "
            f"the harness's clock, expected at most {allowed:.2f} ms"
        )
    return None


def check_images(noise: Sequence[Call], images: Sequence[Call], gap: Gap, device_kind: str) -> Failure | None:
    """Compare undisturbed calls on images with those on random numbers: each quantile within the tolerance."""
    samples = [call.sample_ms for call in noise]
    took = [_took_ms(call, gap) for call in images]
    for percent in QUANTILES:
        usual, found = percentile(samples, percent), percentile(took, percent)
        allowed = _allowed_ms(usual, median(samples), device_kind)
        if found > allowed:
            return inconsistent(
                f"on random numbers {percent} % of {len(samples)} calls took up to {usual:.2f} ms, on images "
                f"{percent} % of {len(took)} up to {found:.2f} ms, at most {allowed:.2f} ms expected"
            )
    return None


def check_known_images(noise: Sequence[Call], images: Sequence[Call], gap: Gap, device_kind: str) -> Failure | None:
    """Compare undisturbed calls on images whose outputs another process made with random numbers: their medians."""
    usual, found = median([call.sample_ms for call in noise]), median([_took_ms(call, gap) for call in images])
    allowed = _allowed_ms(usual, usual, device_kind)
    if found > allowed:
        return inconsistent(
            f"the samples report {usual:.2f} ms per frame, but half of {len(images)} images with compared outputs took "
            f"{found:.2f} ms or more, expected at most {allowed:.2f} ms"
        )
    return None


def check_repeated(noise: Sequence[Call], repeated: Sequence[Call], device_kind: str) -> Failure | None:
    """See that an input of the warm-up is not answered from memory when it comes again."""
    usual = percentile([call.sample_ms for call in noise], 25)
    again = median([call.sample_ms for call in repeated])
    if again < _SEEN_BEFORE * usual - TICK_MS[device_kind]:
        return inconsistent(
            f"inputs that were seen in the warm-up took {again:.2f} ms when they came again, new ones {usual:.2f} ms: "
            "outputs are remembered"
        )
    return None


def check_threads(worked_s: float, passed_s: float, threads: int) -> Failure | None:
    """Compare the time that processors worked for the guest, as the kernel counted it, with what its threads can do."""
    allowed = _THREADS_FACTOR * threads * passed_s + _THREADS_SLACK_S
    if worked_s > allowed:
        return inconsistent(
            f"{worked_s:.1f} s of processor time in {passed_s:.1f} s, more than {threads} threads can use, at most "
            f"{allowed:.1f} s expected"
        )
    return None


def _allowed_ms(usual: float, frame: float, device_kind: str) -> float:
    return IMAGE_FACTOR * usual + FRAME_SHARE * frame + TICK_MS[device_kind]


def _took_ms(call: Call, gap: Gap) -> float:
    """A call's sample, and what looking into its output took more than it takes without a model."""
    return call.sample_ms + max(0.0, call.look_s * 1e3 - 2 * gap.look_ms)
