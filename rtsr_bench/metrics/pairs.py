"""Measures an SR/HR pair by all metrics: fused kernels are called once, other metrics one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.errors import RtsrBenchError, UserError
from rtsr_bench.metric import Metric
from rtsr_bench.metrics.fidelity import refuse_unlike
from rtsr_bench.protocol import Convention

Pixels = NDArray[np.uint8]


def measure_pair(
    sr: Pixels, hr: Pixels, metrics: Sequence[Metric], conventions: Sequence[Convention]
) -> dict[str, float]:
    """Measure a pair (uint8 H x W x 3 each, of equal shape) by every metric under every convention that it supports.

    Returns observations by `NAME/CONVENTION`, in the order of the metrics. ValueError if the images are not such a
    pair; UserError if they are too small for a metric, or if a metric raises or returns an invalid value.
    """
    for metric in sorted(metrics, key=lambda one: -one.least_side):
        mine = [one for one in conventions if metric.knows(one)]
        refuse_unlike(sr, hr, mine, title=metric.title, side=metric.least_side)
    found: dict[str, float] = {}
    for fused in dict.fromkeys(metric.fused for metric in metrics):
        if fused is not None:
            group = [metric for metric in metrics if metric.fused is fused]
            asked = [one for one in conventions if any(metric.knows(one) for metric in group)]
            found |= fused(sr, hr, asked, frozenset(metric.observation for metric in group))
    values: dict[str, float] = {}
    for metric in metrics:
        for convention in filter(metric.knows, conventions):
            key = metric.observed_as(convention.key)
            values[key] = found[key] if metric.fused is not None else _alone(metric, sr, hr, convention)
    return values


def _alone(metric: Metric, sr: Pixels, hr: Pixels, convention: Convention) -> float:
    try:
        value = float(metric.measure(sr, hr, convention))
    except RtsrBenchError:
        raise
    except Exception as error:
        raise UserError(f"metric {metric.name!r}: measure raised {type(error).__name__}: {error}") from error
    low, high = metric.bounds
    if not (math.isfinite(value) and low <= value <= high):
        raise UserError(f"metric {metric.name!r}: expected a finite number in [{low:g}, {high:g}], found {value!r}")
    return value
