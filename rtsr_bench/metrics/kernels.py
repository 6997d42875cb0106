"""The inner loops of fidelity for numba: plain functions here, compiled when first needed (see `jit`).

Each processes one piece of an image and writes only its own output, so pieces may run in any thread. Rows are sliced
before the inner loops, because the compiler must assume that an index such as `left + j` may be negative, and that
check would prevent SIMD.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TILE = 128
"""Columns per tile of the SSIM kernel: the ring of 11 rows of 4 filtered lines (45 kB) stays in a core's cache."""


def moments(
    sr: NDArray[np.uint8], hr: NDArray[np.uint8], top: int, bottom: int, left: int, right: int
) -> tuple[float, float, float, float, float, float]:
    """Sums of the products rr, gg, bb, rg, rb, gb of the channel differences SR - HR over a rectangle of pixels.

    Every MSE, of RGB and of any luma, is a quadratic form of these six. Each partial sum is an integer below 2**53, so
    float64 holds it exactly, whatever the order of additions.
    """
    rr = gg = bb = rg = rb = gb = 0.0
    for row in range(top, bottom):
        for column in range(left, right):
            r = np.float64(sr[row, column, 0]) - np.float64(hr[row, column, 0])
            g = np.float64(sr[row, column, 1]) - np.float64(hr[row, column, 1])
            b = np.float64(sr[row, column, 2]) - np.float64(hr[row, column, 2])
            rr += r * r
            gg += g * g
            bb += b * b
            rg += r * g
            rb += r * b
            gb += g * b
    return rr, gg, bb, rg, rb, gb


def ssim_columns(  # noqa: C901, PLR0912  one loop nest: helpers would have to be compiled and cached separately
    sr: NDArray[np.uint8],
    hr: NDArray[np.uint8],
    plane: NDArray[np.float64],
    window: NDArray[np.float64],
    constants: NDArray[np.float64],
    lines: NDArray[Any],
    ring: NDArray[np.float64],
    top: int,
    bottom: int,
) -> NDArray[np.float64]:
    """Sums down each column of the SSIM map, over the windows whose top row is in top..bottom; W - 10 columns.

    `plane`: factors of R, G, B and the offset of the measured plane; `window`: the 11 weights; `constants`: C1, C2.
    Each row is converted to the lines x, y, x² + y², xy (SSIM needs no more), filtered horizontally and kept in a ring
    of 11; filtering the ring vertically gives one row of the map. `lines` is scratch, 4 x (TILE + 10). For a channel it
    may be float32, which halves the bytes loaded and is exact: these lines and the sums of two of their values are
    integers below 2**24. For luma it is float64, as is everything else. `ring` is scratch too, 11 x 4 x TILE, and must
    start at a multiple of 64 bytes: otherwise every wide load crosses a cache line and the kernel takes a third longer.
    """
    columns = sr.shape[1] - 10
    total = np.zeros(columns, np.float64)
    f_red, f_green, f_blue, offset = plane[0], plane[1], plane[2], plane[3]
    c1, c2 = constants[0], constants[1]
    w0, w1, w2, w3, w4, w5 = window[5], window[4], window[3], window[2], window[1], window[0]
    single = f_red == 1.0, f_green == 1.0, f_blue == 1.0
    means = np.empty((4, TILE), np.float64)
    for left in range(0, columns, TILE):
        n = min(TILE, columns - left)
        for row in range(top, bottom + 10):
            x, y, squared, product = lines[0], lines[1], lines[2], lines[3]
            here, there = sr[row, left : left + n + 10], hr[row, left : left + n + 10]
            if single[0] or single[1] or single[2]:
                channel = 0 if single[0] else 1 if single[1] else 2
                for j in range(n + 10):
                    x[j] = here[j, channel]
                    y[j] = there[j, channel]
            else:
                for j in range(n + 10):
                    x[j] = f_red * here[j, 0] + f_green * here[j, 1] + f_blue * here[j, 2] + offset
                    y[j] = f_red * there[j, 0] + f_green * there[j, 1] + f_blue * there[j, 2] + offset
            for j in range(n + 10):
                squared[j] = x[j] * x[j] + y[j] * y[j]
                product[j] = x[j] * y[j]

            for m in range(4):
                line = lines[m]
                filtered = ring[row % 11, m]
                for j in range(n):
                    filtered[j] = (
                        w0 * np.float64(line[j + 5])
                        + w1 * np.float64(line[j + 4] + line[j + 6])
                        + w2 * np.float64(line[j + 3] + line[j + 7])
                        + w3 * np.float64(line[j + 2] + line[j + 8])
                        + w4 * np.float64(line[j + 1] + line[j + 9])
                        + w5 * np.float64(line[j] + line[j + 10])
                    )
            if row < top + 10:
                continue

            for m in range(4):
                a, b, c = ring[(row - 10) % 11, m], ring[(row - 9) % 11, m], ring[(row - 8) % 11, m]
                d, e, f = ring[(row - 7) % 11, m], ring[(row - 6) % 11, m], ring[(row - 5) % 11, m]
                g, h, k = ring[(row - 4) % 11, m], ring[(row - 3) % 11, m], ring[(row - 2) % 11, m]
                o, q = ring[(row - 1) % 11, m], ring[row % 11, m]
                mean = means[m]
                for j in range(n):
                    mean[j] = (
                        w0 * f[j]
                        + w1 * (e[j] + g[j])
                        + w2 * (d[j] + h[j])
                        + w3 * (c[j] + k[j])
                        + w4 * (b[j] + o[j])
                        + w5 * (a[j] + q[j])
                    )
            sums = total[left : left + n]
            for j in range(n):
                cross = means[0, j] * means[1, j]
                squares = means[0, j] * means[0, j] + means[1, j] * means[1, j]
                over = (2.0 * cross + c1) * (2.0 * (means[3, j] - cross) + c2)
                under = (squares + c1) * (means[2, j] - squares + c2)
                sums[j] += over / under
    return total
