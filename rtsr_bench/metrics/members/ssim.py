"""SSIM: the structural similarity of Wang et al., IEEE TIP 13(4), 2004."""

from __future__ import annotations

from rtsr_bench.metric import METRICS, Metric
from rtsr_bench.metrics.fused import SSIM, alone, mse_and_ssim
from rtsr_bench.metrics.window import WINDOW

METRICS.add(
    Metric(
        name=SSIM,
        title="SSIM",
        digits=4,
        explanation="Mean over images of the structural similarity",
        bounds=(-1.0, 1.0 + 1e-9),
        least_side=WINDOW,
        measure=alone(mse_and_ssim, SSIM),
        fused=mse_and_ssim,
    )
)
