"""MSE and SSIM by one call of the fused CPU kernel, for the metrics that share it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rtsr_bench.metric import Fused, Measure
from rtsr_bench.protocol import Convention
from rtsr_bench.record.measurements import MSE

SSIM = "ssim"


def mse_and_ssim(sr: Any, hr: Any, conventions: Sequence[Convention], wanted: frozenset[str]) -> dict[str, float]:
    """Return `mse/CONVENTION` and, if wanted, `ssim/CONVENTION` (`fidelity.measure`)."""
    from rtsr_bench.metrics.fidelity import measure

    values = measure(sr, hr, conventions, ssim=SSIM in wanted)
    return {f"{MSE}/{key}": value for key, value in values.mse.items()} | {
        f"{SSIM}/{key}": value for key, value in values.ssim.items()
    }


def alone(fused: Fused, observation: str) -> Measure:
    """Return a function for one observation under one convention, by a call of the fused one."""

    def measure(sr: Any, hr: Any, convention: Convention) -> float:
        return fused(sr, hr, (convention,), frozenset({observation}))[f"{observation}/{convention.key}"]

    return measure
