"""MS-SSIM: the multi-scale structural similarity of Wang, Simoncelli and Bovik, Asilomar 2003, on five scales.

An image with fewer than 161 pixels on a side inside the border is refused, as SSIM refuses one smaller than its window:
fewer scales or other weights would define another quantity.
"""

from __future__ import annotations

from typing import Any

from rtsr_bench.metric import METRICS, Metric
from rtsr_bench.metrics.window import LEAST_MULTISCALE_SIDE
from rtsr_bench.protocol import Convention


def _measure(sr: Any, hr: Any, convention: Convention) -> float:
    from rtsr_bench.metrics.multiscale import ms_ssim

    return ms_ssim(sr, hr, convention)


METRICS.add(
    Metric(
        name="ms_ssim",
        title="MS-SSIM",
        digits=4,
        explanation="Mean over images of the multi-scale structural similarity",
        bounds=(0.0, 1.0 + 1e-9),
        least_side=LEAST_MULTISCALE_SIDE,
        measure=_measure,
    )
)
