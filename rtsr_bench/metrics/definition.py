"""The definition of MSE and SSIM in plain float64; the reference for the fast kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.images.colour import luma
from rtsr_bench.metrics.window import C1, C2, RADIUS, WINDOW, gaussian
from rtsr_bench.protocol import Colour, Convention


def mse(sr: NDArray[np.uint8], hr: NDArray[np.uint8], convention: Convention) -> float:
    """Mean squared difference over pixels and channels on the 0..255 scale, after the border is cropped."""
    difference = _planes(sr, convention) - _planes(hr, convention)
    return float(np.mean(difference**2))


def ssim(sr: NDArray[np.uint8], hr: NDArray[np.uint8], convention: Convention) -> float:
    """Mean of `ssim_map` over channels and over the windows that lie fully inside the cropped image."""
    pairs = zip(_planes(sr, convention), _planes(hr, convention), strict=True)
    return float(np.mean([np.mean(ssim_map(x, y)) for x, y in pairs]))


def ssim_map(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """SSIM of two H x W planes on the 0..255 scale at each full 11x11 window: (H - 10) x (W - 10).

    Gaussian weights, sigma 1.5, K1 = 0.01, K2 = 0.03, L = 255, biased (co)variances: Wang et al. 2004, eq. 13.
    """
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x = _blurred(x * x) - mean_x * mean_x
    variance_y = _blurred(y * y) - mean_y * mean_y
    covariance = _blurred(x * y) - mean_x * mean_y
    luminance = (2.0 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    structure = (2.0 * covariance + C2) / (variance_x + variance_y + C2)
    return luminance * structure


def _planes(image: NDArray[np.uint8], convention: Convention) -> NDArray[np.float64]:
    """The float64 planes of a convention, C x H x W, border cropped."""
    border = convention.border
    shaved = image[border : image.shape[0] - border, border : image.shape[1] - border]
    if convention.colour is Colour.RGB:
        return np.ascontiguousarray(shaved.transpose(2, 0, 1), dtype=np.float64)
    return luma(shaved, convention.colour)[None]


def _blurred(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = plane.shape
    rows = np.zeros((height - 2 * RADIUS, width))
    for tap, weight in enumerate(gaussian()):
        rows += weight * plane[tap : tap + height - WINDOW + 1]
    both = np.zeros((height - 2 * RADIUS, width - 2 * RADIUS))
    for tap, weight in enumerate(gaussian()):
        both += weight * rows[:, tap : tap + width - WINDOW + 1]
    return both
