"""PSNR: the peak signal-to-noise ratio, from the exact MSE."""

from __future__ import annotations

import math

from rtsr_bench.metric import METRICS, Metric
from rtsr_bench.metrics.fused import alone, mse_and_ssim
from rtsr_bench.record.measurements import MSE
from rtsr_bench.score import PSNR, psnr_db

METRICS.add(
    Metric(
        name=PSNR,
        title="PSNR",
        unit="dB",
        digits=3,
        explanation="Mean over images of the peak signal-to-noise ratio",
        observed=MSE,
        bounds=(0.0, math.inf),
        shown=psnr_db,
        measure=alone(mse_and_ssim, MSE),
        fused=mse_and_ssim,
        baseline=True,
        leaves_out_exact=True,  # the PSNR of bicubic is infinite there
    )
)
