"""The constants of SSIM and MS-SSIM, shared by the plain definition, the fast kernels and the metrics' descriptions."""

from __future__ import annotations

import math

WINDOW = 11
"""Side of the Gaussian window."""

RADIUS = WINDOW // 2
SIGMA = 1.5
C1 = (0.01 * 255.0) ** 2
C2 = (0.03 * 255.0) ** 2

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales of MS-SSIM, the whole image first (Wang et al., Asilomar 2003, section 3.2)."""

LEAST_MULTISCALE_SIDE = (WINDOW - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1
"""Minimum side in pixels for which the smallest scale still contains a window: 161."""


def gaussian() -> tuple[float, ...]:
    """The 11 weights of one dimension of the window, sigma 1.5, sum 1 (Wang et al., IEEE TIP 13(4), 2004)."""
    raw = [math.exp(-((i - RADIUS) ** 2) / (2.0 * SIGMA**2)) for i in range(WINDOW)]
    total = math.fsum(raw)
    return tuple(value / total for value in raw)
