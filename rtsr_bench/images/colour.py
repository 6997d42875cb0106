"""Luma: the only conversion from RGB to Y."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.protocol import Colour

LUMA_WEIGHTS: dict[Colour, tuple[int, int, int]] = {
    Colour.Y: (65_481, 128_553, 24_966),
    Colour.Y_NTIRE23: (24_966, 128_553, 65_481),
}
"""Thousandths of the BT.601 studio-range weights of R, G, B (ITU-R BT.601-7, as in MATLAB's rgb2ycbcr); integers, so
that sums over an image can be exact. `y_ntire23` reproduces a bug of the challenge: RGB passed to a BGR function."""

LUMA_DIVISOR = 255_000
LUMA_OFFSET = 16.0


def luma(rgb: NDArray[np.uint8], colour: Colour) -> NDArray[np.float64]:
    """Y of uint8 H x W x 3 RGB as float64 H x W in 16..235, unrounded: `(65.481 R + 128.553 G + 24.966 B) / 255 + 16`.

    The official challenge code has the same value in float32 (a step of 8e-6 at 128). ValueError for `Colour.RGB`.
    """
    if colour not in LUMA_WEIGHTS:
        raise ValueError(f"no luma weights for {colour.value}")
    # NumPy 1 would multiply uint8 by a small int32 in uint16, which overflows.
    weighted = [np.multiply(rgb[..., k], weight, dtype=np.int32) for k, weight in enumerate(LUMA_WEIGHTS[colour])]
    thousandths = weighted[0] + weighted[1] + weighted[2]
    return np.asarray(thousandths / LUMA_DIVISOR + LUMA_OFFSET, dtype=np.float64)
