"""The constants of SSIM, shared by the plain definition and the fast kernels."""

from __future__ import annotations

import math

WINDOW = 11
"""Side of the Gaussian window."""

RADIUS = WINDOW // 2
SIGMA = 1.5
C1 = (0.01 * 255.0) ** 2
C2 = (0.03 * 255.0) ** 2


def gaussian() -> tuple[float, ...]:
    """The 11 weights of one dimension of the window, sigma 1.5, sum 1 (Wang et al., IEEE TIP 13(4), 2004)."""
    raw = [math.exp(-((i - RADIUS) ** 2) / (2.0 * SIGMA**2)) for i in range(WINDOW)]
    total = math.fsum(raw)
    return tuple(value / total for value in raw)
