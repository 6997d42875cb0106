"""Statistics of timed samples: summaries, quantiles and a confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtsr_bench.record import ReferenceTimes, Runtime

if TYPE_CHECKING:
    from collections.abc import Sequence

RESAMPLES = 2000
CONFIDENCE = 0.95
_SEED = 20230618  # any constant: the interval must not change from one build of the report to the next


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeSummary:
    """Milliseconds per frame: the official mean, and the distribution of the samples.

    `ci_ms` is the 95 % bootstrap interval of the mean, None for fewer than two samples; `spread` the relative
    standard deviation; `drift` the relative change from the first to the last quarter, None for fewer than eight.
    """

    samples: int
    mean_ms: float
    median_ms: float
    p95_ms: float
    p99_ms: float
    least_ms: float
    most_ms: float
    ci_ms: tuple[float, float] | None
    spread: float
    drift: float | None

    @property
    def fps(self) -> float:
        """Frames per second at the mean."""
        return 1000.0 / self.mean_ms


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, summed exactly (so the order of the values does not matter); ValueError if there are none."""
    if not values:
        raise ValueError("the mean of zero values is undefined")
    return math.fsum(values) / len(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` (0..100) of the values lie, linear between ranks as in NumPy's default."""
    if not values:
        raise ValueError("a percentile of zero values is undefined")
    if not 0 <= percent <= 100:
        raise ValueError(f"expected a percentile in 0..100, found {percent!r}")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(values: Sequence[float]) -> float:
    """The 50th percentile."""
    return percentile(values, 50)


def spread(values: Sequence[float]) -> float:
    """Standard deviation (n - 1) over mean; 0 for a single value."""
    centre = mean(values)
    if len(values) < 2:
        return 0.0
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)) / centre


def drift(values: Sequence[float]) -> float | None:
    """Relative change from the first to the last quarter, in order; None for fewer than eight values.

    Each quarter is represented by its interquartile mean. A single outlier does not count as drift, nor do samples that
    jump between two levels (of which a median would pick one).
    """
    quarter = len(values) // 4
    if quarter < 2:
        return None
    return _middle(values[-quarter:]) / _middle(values[:quarter]) - 1


def _middle(values: Sequence[float]) -> float:
    """Interquartile mean."""
    cut = len(values) // 4
    return mean(sorted(values)[cut : len(values) - cut])


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % percentile-bootstrap interval of the mean (scipy, 2000 resamples, fixed seed); None for fewer than two.

    It treats samples as independent; drift and throttling, which violate this, have their own warnings.
    """
    if len(values) < 2:
        return None
    if min(values) == max(values):
        return values[0], values[0]
    import numpy as np
    from scipy.stats import bootstrap

    result = bootstrap(
        (np.asarray(values, dtype=np.float64),),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        random_state=np.random.default_rng(_SEED),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def summarise(runtime: Runtime) -> RuntimeSummary:
    """Summary of a runtime's samples per frame (a batch's time is divided by its frames)."""
    values = [sample / runtime.batch for sample in runtime.samples_ms]
    return RuntimeSummary(
        samples=len(values),
        mean_ms=mean(values),
        median_ms=median(values),
        p95_ms=percentile(values, 95),
        p99_ms=percentile(values, 99),
        least_ms=min(values),
        most_ms=max(values),
        ci_ms=mean_interval(values),
        spread=spread(values),
        drift=drift(values),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameSummary:
    """Deadlines of frames that arrived at a cadence. Percentiles are over the frames that were shown, late or not.

    `dropped`: a newer frame came before the model was free; `late`: finished after the deadline. Milliseconds are None
    if no frame was shown.
    """

    frames: int
    dropped: int
    late: int
    p50_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    most_ms: float | None

    @property
    def missed(self) -> int:
        """Deadlines without a frame: dropped or late."""
        return self.dropped + self.late

    @property
    def missed_share(self) -> float:
        """Missed deadlines as a share (0..1) of all."""
        return self.missed / self.frames


def summarise_frames(latency_ms: Sequence[float | None], deadline_ms: float) -> FrameSummary:
    """Summary of latencies (None: dropped) against a deadline; ValueError if there are no frames."""
    if not latency_ms:
        raise ValueError("a summary of zero frames is undefined")
    shown = [one for one in latency_ms if one is not None]
    points = [percentile(shown, percent) if shown else None for percent in (50, 99, 99.9, 100)]
    return FrameSummary(
        frames=len(latency_ms),
        dropped=len(latency_ms) - len(shown),
        late=sum(one > deadline_ms for one in shown),
        p50_ms=points[0],
        p99_ms=points[1],
        p999_ms=points[2],
        most_ms=points[3],
    )


def reference_ms(times: ReferenceTimes) -> float:
    """Milliseconds of a fixed reference while a model was timed: the mean of its medians before and after that."""
    return (median(times.before_ms) + median(times.after_ms)) / 2


def reference_drift(times: ReferenceTimes) -> float:
    """Relative change of a fixed reference's median from before a model was timed to after it."""
    return median(times.after_ms) / median(times.before_ms) - 1
