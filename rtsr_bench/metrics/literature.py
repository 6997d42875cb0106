"""The convention behind the bicubic rows of the classic papers, `matlab-double-y`: it starts from HR, not from LR."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.images.colour import luma
from rtsr_bench.images.degrade import crop_to_multiple
from rtsr_bench.images.resize import matlab_imresize
from rtsr_bench.metrics.definition import ssim_map
from rtsr_bench.protocol import Colour


def matlab_double_y(hr: NDArray[np.uint8], scale: int, *, grey: bool = False) -> tuple[float, float]:
    """MSE and SSIM of MATLAB's bicubic in double precision on Y, `scale` pixels cropped.

    Y of HR in floating point, `imresize` down and up without rounding in between, then both planes rounded to integers
    (as MATLAB code does when it converts to uint8 to compare). `grey`: the file has a single channel, which is Y
    itself; a file of three equal channels goes through the luma formula. No SR image that starts from an 8-bit LR file
    can be measured this way, which is why the literature's 33.66 for Set5 x2 is 33.67 from the LR files.
    """
    cropped = crop_to_multiple(hr, scale)
    y = cropped[..., 0].astype(np.float64) if grey else luma(cropped, Colour.Y)
    enlarged = matlab_imresize(matlab_imresize(y, 1 / scale), scale)
    inside = slice(scale, -scale)
    sr, truth = (np.clip(np.rint(plane), 0.0, 255.0)[inside, inside] for plane in (enlarged, y))
    return float(np.mean((sr - truth) ** 2)), float(np.mean(ssim_map(sr, truth)))
