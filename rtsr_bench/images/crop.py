"""The window of an image that a report shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.protocol import Size


def busiest_crop(hr: NDArray[np.uint8], size: Size) -> tuple[int, int]:
    """Top and left of the window of `size` with the most detail; deterministic.

    Detail is the sum of absolute differences between neighbours of R + 2 G + B, in integers; windows are tried on a
    grid of an eighth of the shorter side (one pixel below 16), the first in reading order wins a tie. ValueError if the
    window is larger than the image or empty.
    """
    height, width = hr.shape[:2]
    if not (0 < size.height <= height and 0 < size.width <= width):
        raise ValueError(f"expected a window within {height}x{width}, found {size}")
    grey = hr[..., 0].astype(np.int16)
    grey += hr[..., 1]
    grey += hr[..., 1]
    grey += hr[..., 2]
    detail = np.zeros((height, width), dtype=np.int16)  # at most 2 * 1020
    detail[:, 1:] += np.abs(np.diff(grey, axis=1))
    detail[1:] += np.abs(np.diff(grey, axis=0))

    step = max(1, min(size.height, size.width) // 8)
    tops = _starts(height - size.height, step)
    lefts = _starts(width - size.width, step)
    sums = _window_sums(detail, tops, size.height)
    sums = _window_sums(sums.T, lefts, size.width).T
    top, left = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return int(tops[top]), int(lefts[left])


def _starts(last: int, step: int) -> NDArray[np.intp]:
    """0, step, 2 step, ... and always `last`, so that the far edge is included."""
    return np.unique(np.append(np.arange(0, last + 1, step), last))


def _window_sums(values: NDArray[np.integer], starts: NDArray[np.intp], length: int) -> NDArray[np.int64]:
    """Sums of `length` consecutive rows from each start, as differences of the running total."""
    edges = np.unique(np.concatenate([starts, starts + length]))
    running = np.zeros((len(edges), values.shape[1]), dtype=np.int64)
    np.cumsum(np.add.reduceat(values, edges[:-1], axis=0, dtype=np.int64), axis=0, out=running[1:])
    position = {int(edge): row for row, edge in enumerate(edges)}
    upper = [position[int(start)] for start in starts]
    lower = [position[int(start) + length] for start in starts]
    return np.asarray(running[lower] - running[upper], dtype=np.int64)
