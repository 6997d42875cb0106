"""The three common bicubic resizes, each under its own name: results differ by whole decibels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rtsr_bench.protocol import Size

_SUPPORT = 4.0  # Keys' cubic reaches two samples to either side


def pillow_bicubic(array: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Resize uint8 H x W x 3 by Pillow's BICUBIC: a = -0.5, antialiased when shrinking; the challenge's LR."""
    image = Image.fromarray(np.ascontiguousarray(array))
    return np.array(image.resize((size.width, size.height), Image.Resampling.BICUBIC))


def torch_bicubic(array: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Upscale uint8 H x W x 3 as the challenge's bicubic baseline does: the "bicubic" of its score and its tables.

    `F.interpolate(mode="bicubic", align_corners=False)` (a = -0.75, no antialiasing) of x / 255 in float32 on the CPU,
    clamped to [0, 1], times 255, rounded half to even. Source: NTIRE23-RTSR `sr_demo.py`, RT4KSR `test.py`.
    """
    import torch

    with torch.inference_mode():
        planes = torch.from_numpy(np.array(array)).permute(2, 0, 1).unsqueeze(0).float().div_(255.0)
        large = torch.nn.functional.interpolate(planes, scale_factor=scale, mode="bicubic", align_corners=False)
        pixels = large.clamp_(0.0, 1.0).mul_(255.0).round_().to(torch.uint8)
        return np.ascontiguousarray(pixels.squeeze(0).permute(1, 2, 0).numpy())


def matlab_imresize(array: NDArray[Any], to: float | Size) -> NDArray[Any]:
    """Resize H x W or H x W x C as MATLAB's `imresize(A, to)` does: bicubic, antialiased when shrinking.

    `to` is a scale (the output has `ceil(scale * n)` rows and columns) or the output's size. uint8 in, uint8 out:
    MATLAB rounds half away from zero and clips after *each* of its two passes. Floating point in, float64 out: no
    rounding, no clipping. The dimension with the smaller scale goes first, rows first when equal. Kernel:
    Keys' cubic with a = -0.5, widened by 1/scale when shrinking; borders are mirrored (edge sample repeated); weights
    are normalised. ValueError for another dtype or an empty output. Formulas: MATLAB's documentation of `imresize`
    and Keys 1981.
    """
    if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"expected uint8 or floating point, found {array.dtype}")
    lengths = array.shape[:2]
    if isinstance(to, Size):
        targets = (to.height, to.width)
        scales = (to.height / lengths[0], to.width / lengths[1])
    else:
        targets = (int(np.ceil(lengths[0] * to)), int(np.ceil(lengths[1] * to)))
        scales = (float(to), float(to))
    if min(targets) < 1:
        raise ValueError(f"expected an output of at least 1x1, found {targets[0]}x{targets[1]}")
    planes = array[..., None] if array.ndim == 2 else array
    resized = np.stack([_resize_plane(planes[..., c], targets, scales) for c in range(planes.shape[2])], axis=-1)
    return resized[..., 0] if array.ndim == 2 else resized


def _resize_plane(plane: NDArray[Any], targets: tuple[int, int], scales: tuple[float, float]) -> NDArray[Any]:
    rounds = plane.dtype == np.uint8
    current: NDArray[Any] = plane
    for axis in (0, 1) if scales[0] <= scales[1] else (1, 0):
        along = current if axis == 0 else np.ascontiguousarray(current.T)
        resized = _resize_rows(along, targets[axis], scales[axis])
        if rounds:
            resized = _to_uint8(resized)
        current = resized if axis == 0 else np.ascontiguousarray(resized.T)
    return current


def _resize_rows(plane: NDArray[Any], target: int, scale: float) -> NDArray[Any]:
    weights, rows = _contributions(plane.shape[0], target, scale)
    total = np.zeros((target, plane.shape[1]), dtype=np.float64)
    for tap in range(weights.shape[1]):
        total += weights[:, tap, None] * plane[rows[:, tap]]
    return total


def _contributions(length: int, target: int, scale: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Weights (target x taps) and their 0-based input rows, borders mirrored."""
    stretch = min(scale, 1.0)
    reach = _SUPPORT / stretch
    centre = np.arange(1, target + 1) / scale + 0.5 * (1.0 - 1.0 / scale)
    first = np.floor(centre - reach / 2.0)
    positions = first[:, None] + np.arange(int(np.ceil(reach)) + 2)
    weights = stretch * _cubic(stretch * (centre[:, None] - positions))
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = np.concatenate([np.arange(length), np.arange(length)[::-1]])
    rows = mirrored[np.mod(positions.astype(np.intp) - 1, 2 * length)]
    used = np.any(weights != 0.0, axis=0)
    return weights[:, used], rows[:, used]


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel with a = -0.5 (IEEE TASSP 29(6), 1981)."""
    a = np.abs(x)
    inner = (1.5 * a - 2.5) * a * a + 1.0
    outer = ((-0.5 * a + 2.5) * a - 4.0) * a + 2.0
    return np.where(a <= 1.0, inner, np.where(a <= 2.0, outer, 0.0))


def _to_uint8(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Clip to 0..255 and round half away from zero (half up, once negative values are clipped)."""
    clipped = np.clip(values, 0.0, 255.0)
    floor = np.floor(clipped)
    return (floor + (clipped - floor >= 0.5)).astype(np.uint8)
