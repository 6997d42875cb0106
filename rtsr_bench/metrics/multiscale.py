"""MS-SSIM in float64: SSIM's window on five scales, each half the size of the one before.

Source: Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality assessment", Asilomar 2003, and
their msssim.m: the low-pass filter is the mean of 2x2 pixels, an odd last row or column counts twice. Work is split
into bands of rows, so little memory is needed beyond the two planes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.metrics.fidelity import refuse_unlike
from rtsr_bench.metrics.planes import Plane, planes
from rtsr_bench.metrics.window import C1, C2, LEAST_MULTISCALE_SIDE, RADIUS, SCALE_WEIGHTS, gaussian
from rtsr_bench.protocol import Convention

_BAND = 128


def ms_ssim(sr: NDArray[np.uint8], hr: NDArray[np.uint8], convention: Convention) -> float:
    """Return the mean over channels of the MS-SSIM of SR against HR, uint8 H x W x 3 each: 0..1.

    The product of the mean contrast-structure terms of the first four scales and the mean SSIM of the last, each raised
    to its weight. A negative mean counts as 0, because its power is undefined. ValueError if shapes differ or are not
    uint8 H x W x 3; UserError below 161 pixels on a side inside the border.
    """
    refuse_unlike(sr, hr, (convention,), title="MS-SSIM", side=LEAST_MULTISCALE_SIDE)
    values = [_of_planes(x, y) for x, y in planes(sr, hr, convention)]
    return math.fsum(values) / len(values)


def _of_planes(x: Plane, y: Plane) -> float:
    product = 1.0
    for weight in SCALE_WEIGHTS[:-1]:
        product *= max(0.0, _means(x, y)[1]) ** weight
        x, y = _halved(x), _halved(y)
    return float(product * max(0.0, _means(x, y)[0]) ** SCALE_WEIGHTS[-1])


def _means(x: Plane, y: Plane) -> tuple[float, float]:
    """Mean SSIM and mean contrast-structure term of two planes over the windows that lie fully inside."""
    rows, columns = x.shape[0] - 2 * RADIUS, x.shape[1] - 2 * RADIUS
    ssims, structures = [], []
    for top in range(0, rows, _BAND):
        band = slice(top, min(top + _BAND, rows) + 2 * RADIUS)
        luminance, structure = _terms(x[band], y[band])
        ssims.append(float(np.sum(luminance * structure)))
        structures.append(float(np.sum(structure)))
    return math.fsum(ssims) / (rows * columns), math.fsum(structures) / (rows * columns)


def _terms(x: Plane, y: Plane) -> tuple[Plane, Plane]:
    """The luminance and the contrast-structure term at each full window: `definition.ssim_map` is their product."""
    mean_x, mean_y, squares, product = (_blurred(one) for one in (x, y, x * x + y * y, x * y))
    cross, mean_squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    luminance = (2.0 * cross + C1) / (mean_squares + C1)
    return luminance, (2.0 * (product - cross) + C2) / (squares - mean_squares + C2)


def _blurred(plane: Plane) -> Plane:
    from scipy.ndimage import correlate1d

    rows = correlate1d(plane, gaussian(), axis=0)[RADIUS:-RADIUS]
    return np.asarray(correlate1d(rows, gaussian(), axis=1)[:, RADIUS:-RADIUS])


def _halved(plane: Plane) -> Plane:
    """The mean of each 2x2 pixels; the last row or column of an odd side is repeated."""
    even = np.pad(plane, [(0, side % 2) for side in plane.shape], mode="edge")
    halved: Plane = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4.0
    return halved
