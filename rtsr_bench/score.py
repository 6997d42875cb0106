"""Published formulas that turn stored observations into PSNR and a track's score."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

PEAK = 255.0


def psnr_db(mse: float, peak: float = PEAK) -> float:
    """Peak signal-to-noise ratio in dB of a mean squared error on 0..`peak`; infinite where the images are identical.

    Raises ValueError for a negative or non-finite MSE.
    """
    if not (math.isfinite(mse) and mse >= 0):
        raise ValueError(f"an MSE is finite and at least 0, not {mse!r}")
    if mse == 0:
        return math.inf
    return 10.0 * math.log10(peak * peak / mse)


def mean_psnr_db(mses: Iterable[float]) -> float:
    """Mean over images of each image's PSNR in dB (the challenge's mean; not the PSNR of the mean MSE)."""
    values = [psnr_db(mse) for mse in mses]
    if not values:
        raise ValueError("the mean PSNR of no image is not defined")
    return math.fsum(values) / len(values) if all(map(math.isfinite, values)) else math.inf


def ntire23_rtsr(psnr_rgb_db: float, baseline_psnr_rgb_db: float, runtime_ms: float) -> float:
    """Score of NTIRE 2023 Real-Time 4K SR: `2 * 2^diff / (0.1 * sqrt(runtime_ms))`, 0 where diff <= 0.

    `diff` is the gain in dB over bicubic's PSNR on the same images. Source: `calc_scoring.ipynb` of the repository
    eduardzamfir/NTIRE23-RTSR. One dB is worth a factor of four in runtime; 10 % of runtime are worth 0.069 dB. Known
    weakness: no floor on runtime and no least gain, so a barely better bicubic at bicubic's speed would win.
    """
    if not (runtime_ms > 0 and math.isfinite(runtime_ms)):
        raise ValueError(f"a runtime is positive and finite, not {runtime_ms!r} ms")
    if math.isnan(psnr_rgb_db) or math.isnan(baseline_psnr_rgb_db):
        raise ValueError("a PSNR is a number")
    diff = psnr_rgb_db - baseline_psnr_rgb_db
    if not diff > 0:
        return 0.0
    return 2.0 * math.exp2(diff) / (0.1 * math.sqrt(runtime_ms))


def ntire23_runtime_ms(score: float, gain_db: float) -> float:
    """The runtime in ms at which a gain of `gain_db` over bicubic earns `score`: the formula solved for contours."""
    return (20.0 * math.exp2(gain_db) / score) ** 2


FORMULAS: dict[str, Callable[[float, float, float], float]] = {"ntire23-rtsr": ntire23_rtsr}
