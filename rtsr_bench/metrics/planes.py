"""The planes that a convention compares: for metrics that are defined on one channel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.images.colour import luma
from rtsr_bench.protocol import Colour, Convention

Plane = NDArray[np.float64]
"""float64 H x W: R, G or B in 0..255, or Y in 16..235."""


def planes(sr: NDArray[np.uint8], hr: NDArray[np.uint8], convention: Convention) -> Iterator[tuple[Plane, Plane]]:
    """Yield each plane of SR and of HR, uint8 H x W x 3 of one shape, without the border: R, G and B, or Y."""
    border = convention.border
    inside = slice(border, sr.shape[0] - border), slice(border, sr.shape[1] - border)
    if convention.colour is Colour.RGB:
        for channel in range(3):
            yield sr[inside][..., channel].astype(np.float64), hr[inside][..., channel].astype(np.float64)
    else:
        yield luma(sr[inside], convention.colour), luma(hr[inside], convention.colour)
