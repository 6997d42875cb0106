"""Published formulas for PSNR and for the scores of tracks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

PEAK = 255.0
PSNR = "psnr"
"""The metric that scores use."""


def psnr_db(mse: float, peak: float = PEAK) -> float:
    """Peak signal-to-noise ratio in dB of a mean squared error on 0..`peak`; infinite if the images are identical.

    Raises ValueError for a negative or non-finite MSE.
    """
    if not (math.isfinite(mse) and mse >= 0):
        raise ValueError(f"expected an MSE that is finite and at least 0, found {mse!r}")
    if mse == 0:
        return math.inf
    return 10.0 * math.log10(peak * peak / mse)


def mean_psnr_db(mses: Iterable[float]) -> float:
    """Mean over images of each image's PSNR in dB (the challenge's mean; not the PSNR of the mean MSE)."""
    values = [psnr_db(mse) for mse in mses]
    if not values:
        raise ValueError("the mean PSNR of zero images is undefined")
    return math.fsum(values) / len(values) if all(map(math.isfinite, values)) else math.inf


def ntire23_rtsr(psnr_rgb_db: float, baseline_psnr_rgb_db: float, runtime_ms: float) -> float:
    """Score of NTIRE 2023 Real-Time 4K SR: `2 * 2^diff / (0.1 * sqrt(runtime_ms))`, 0 if diff <= 0.

    `diff` is the gain in dB over bicubic's PSNR on the same images. Source: `calc_scoring.ipynb` of the repository
    eduardzamfir/NTIRE23-RTSR. One dB is worth a factor of four in runtime; 10 % of runtime are worth 0.069 dB. Known
    weakness: runtime and gain have no minimum, so a model barely better than bicubic at bicubic's speed would win.
    """
    if not (runtime_ms > 0 and math.isfinite(runtime_ms)):
        raise ValueError(f"expected a runtime that is positive and finite, found {runtime_ms!r} ms")
    if math.isnan(psnr_rgb_db) or math.isnan(baseline_psnr_rgb_db):
        raise ValueError("expected a number as PSNR, found NaN")
    diff = psnr_rgb_db - baseline_psnr_rgb_db
    if not diff > 0:
        return 0.0
    return 2.0 * math.exp2(diff) / (0.1 * math.sqrt(runtime_ms))


def ntire23_runtime_ms(score: float, gain_db: float) -> float:
    """The runtime in ms at which a gain of `gain_db` over bicubic earns `score`: the formula solved for contours."""
    return (20.0 * math.exp2(gain_db) / score) ** 2


def ntire_esr(*, runtime: float, macs: float, params: float, weights: tuple[float, float, float]) -> float:
    """Score of NTIRE Efficient SR: the weighted sum of `e^(2 x)` of runtime, MACs and parameters; lower is better.

    Each of the three is relative to the baseline (1.0: equal to it), `weights` in the same order. Source: README of
    Amazingren/NTIRE2024_ESR, whose example is the baseline at e^2 = 7.3891. The official script times each image once,
    without warm-up.
    """
    shares = (runtime, macs, params)
    if not all(math.isfinite(share) and share >= 0 for share in shares):
        raise ValueError(f"expected shares of the baseline that are finite and at least 0, found {shares!r}")
    return math.fsum(weight * math.exp(2.0 * share) for weight, share in zip(weights, shares, strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingredients:
    """Inputs of a formula: mean PSNR and bicubic's in dB, mean runtime in ms, MACs of one pass at 3x256x256, params.

    `macs` is None if the count is incomplete, `params` if nothing was counted.
    """

    psnr_db: float
    baseline_psnr_db: float
    runtime_ms: float
    macs: int | None = None
    params: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Formula:
    """A published formula: `value` returns the score, None if an input is missing; `needs_count`: it uses MACs."""

    value: Callable[[Ingredients], float | None]
    lower_is_better: bool = False
    needs_count: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EsrBaseline:
    """The baseline of a year of NTIRE Efficient SR, as its organisers printed it, and the weights of the terms."""

    runtime_ms: float
    macs: float
    params: float
    weights: tuple[float, float, float]

    def score(self, found: Ingredients) -> float | None:
        """The score of these observations; None without a complete count."""
        if found.macs is None or found.params is None:
            return None
        return ntire_esr(
            runtime=found.runtime_ms / self.runtime_ms,
            macs=found.macs / self.macs,
            params=found.params / self.params,
            weights=self.weights,
        )


NTIRE23 = "ntire23-rtsr"
"""The formula of NTIRE 2023 Real-Time 4K SR: the only one whose score depends on the images beyond a gate."""

ESR_BASELINES = {
    # RLFN on an RTX 3090, EFDN and SPAN (28 channels) on an RTX A6000; MACs at 3x256x256.
    "ntire-esr-2024": EsrBaseline(runtime_ms=13.54, macs=19.67e9, params=0.317e6, weights=(0.7, 0.15, 0.15)),
    "ntire-esr-2025": EsrBaseline(runtime_ms=16.69, macs=16.70e9, params=0.276e6, weights=(0.7, 0.15, 0.15)),
    "ntire-esr-2026": EsrBaseline(runtime_ms=7.74, macs=9.83e9, params=0.151e6, weights=(0.8, 0.1, 0.1)),
}

FORMULAS: dict[str, Formula] = {
    NTIRE23: Formula(value=lambda found: ntire23_rtsr(found.psnr_db, found.baseline_psnr_db, found.runtime_ms)),
    **{
        name: Formula(value=baseline.score, lower_is_better=True, needs_count=True)
        for name, baseline in ESR_BASELINES.items()
    },
}
