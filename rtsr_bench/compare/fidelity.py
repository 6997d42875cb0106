"""Fidelity of two models on the same images: paired differences, intervals, and a permutation test.

The measurement itself is repeatable. What is uncertain is whether the difference holds for other images of the kind:
the images are the sample, and their differences the noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rtsr_bench.comparison import Bounds, ImageValues, MetricComparison, Verdict
from rtsr_bench.evaluate.fidelity import measure_fidelity
from rtsr_bench.evaluate.work import Work
from rtsr_bench.metric import Metric
from rtsr_bench.record import Failure, Fidelity, ImageFidelity
from rtsr_bench.statistics import CONFIDENCE, mean, mean_interval

LEAST_IMAGES = 6
"""Of fewer images the sign-flip test cannot reach 5 %: even if all differ the same way, p is 2 / 2^5 = 0.0625."""

EXACT_IMAGES = 16
"""Up to so many images every pattern of signs is counted (65 536); of more, `DRAWN` patterns are drawn."""

DRAWN = 100_000
_SEED = 20230618  # any constant: the same values must give the same p
_TIE = 1e-12
"""Relative difference below which two sums count as equal: the order of adding must not decide."""


def measure_images(work: Work) -> Fidelity | Failure:
    """Measure the fidelity of a model in a child of its own, under the execution that is compared."""
    bench, job, limits = work.bench, work.job, work.job.protocol.limits
    with bench.lock.shared(work.listener.waiting), bench.settled(), bench.start_child() as child:
        work.listener.stage("loading", 1)
        loaded = child.ask(work.guest, limit_s=limits.load_s)
        if isinstance(loaded, Failure):
            return loaded
        ready = work.prepare(child, work.execution, work.first_size)
        if isinstance(ready, Failure):
            return ready
        work.listener.stage("images", sum(len(data.pairs) for data in job.data))
        return measure_fidelity(
            child,
            job.data,
            job.protocol,
            work.execution,
            baselines=bench.baselines,
            on_image=work.listener.step,
        )


def compare_images(
    a: Sequence[ImageFidelity], b: Sequence[ImageFidelity], metrics: Sequence[Metric], convention: str
) -> tuple[tuple[MetricComparison, ...], tuple[ImageValues, ...]]:
    """Compare the same images of two models, in the same order, by each metric under a convention (a key).

    A metric that not every image has is left out.
    """
    known = [metric for metric in metrics if all(metric.observed_as(convention) in image.values for image in (*a, *b))]
    images = tuple(
        ImageValues(
            name=one.name,
            data_set=one.data_set,
            values={metric.key(convention): (_finite(metric, one, convention), _finite(metric, other, convention))
                    for metric in known},
        )
        for one, other in zip(a, b, strict=True)
    )  # fmt: skip
    return tuple(_compare(metric, convention, a, b) for metric in known), images


def _value(metric: Metric, image: ImageFidelity, convention: str) -> float:
    return metric.shown(image.values[metric.observed_as(convention)])


def _finite(metric: Metric, image: ImageFidelity, convention: str) -> float | None:
    value = _value(metric, image, convention)
    return value if math.isfinite(value) else None


def _compare(
    metric: Metric, convention: str, a: Sequence[ImageFidelity], b: Sequence[ImageFidelity]
) -> MetricComparison:
    """Compare by one metric. Images that the metric's own mean leaves out, or without a finite value, are left out."""
    pairs = [
        (_value(metric, one, convention), _value(metric, other, convention))
        for one, other in zip(a, b, strict=True)
        if not (metric.leaves_out_exact and one.bicubic_is_exact(convention))
    ]
    finite = [pair for pair in pairs if all(map(math.isfinite, pair))]
    differences = [other - one for one, other in finite]
    p_value = sign_flip_p(differences) if differences else None
    interval = mean_interval(differences)
    verdict, reason = judge_differences(differences, interval, p_value, higher_is_better=metric.better == "higher")
    return MetricComparison(
        verdict=verdict,
        reason=reason,
        metric=metric.name,
        title=metric.title,
        unit=metric.unit,
        digits=metric.digits,
        better=metric.better,
        convention=convention,
        images=len(finite),
        a=mean([one for one, _ in finite]) if finite else 0.0,
        b=mean([other for _, other in finite]) if finite else 0.0,
        difference=mean(differences) if finite else 0.0,
        interval=interval,
        p_value=p_value,
        exact=len(differences) <= EXACT_IMAGES,
        left_out=len(a) - len(finite),
    )


def judge_differences(
    differences: Sequence[float], interval: Bounds | None, p_value: float | None, *, higher_is_better: bool
) -> tuple[Verdict, str]:
    """Say what paired differences (B less A) show: both the interval and the test must say so."""
    if differences and not any(differences):
        return Verdict.SAME, "Every image has exactly the same value."
    if len(differences) < LEAST_IMAGES or interval is None or p_value is None:
        return Verdict.AMBIGUOUS, f"Too few images to tell: at least {LEAST_IMAGES} are needed."
    apart, significant = not interval[0] <= 0 <= interval[1], p_value <= 1 - CONFIDENCE + _TIE
    if apart != significant:
        return Verdict.AMBIGUOUS, "The interval and the sign-flip test disagree."
    if not apart:
        return Verdict.SAME, "The interval contains 0: on other images the difference may be the other way round."
    better = (interval[0] > 0) == higher_is_better
    return (Verdict.BETTER if better else Verdict.WORSE), "The interval does not contain 0."


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of the mean of paired differences under random signs: exact for few, else drawn.

    If the models were equal, each difference could as well have the other sign. Drawn patterns count the observed one
    too, so that p is never 0.
    """
    import numpy as np

    values = np.asarray(differences, dtype=np.float64)
    count = len(values)
    observed = abs(values.sum())
    least = observed - _TIE * np.abs(values).sum()
    if count <= EXACT_IMAGES:
        patterns = np.arange(2**count)[:, None] >> np.arange(count) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ values) >= least))
    draw = np.random.default_rng(_SEED)
    hits = 0
    for _ in range(10):
        signs = 1 - 2 * draw.integers(0, 2, (DRAWN // 10, count), dtype=np.int8)
        hits += int(np.count_nonzero(np.abs(signs @ values) >= least))
    return (hits + 1) / (DRAWN + 1)
