"""Coverage of shapes on the pixel grid: exact area for polygons, distance for strokes; and laying paint over a canvas.

A canvas is a float32 H x W x 3 array of display values in 0..1; a mask is a float64 h x w array of coverage in 0..1.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import kernel
from rtsr_bench.datasets.builtin.maths import clamp, floor, smooth

Floats = NDArray[Any]


@kernel
def _edge(acc: Floats, ax: float, ay: float, bx: float, by: float) -> None:
    """Add the signed area right of one edge: a row's prefix sum of `acc` is then the covered area of each pixel."""
    if ay == by:
        return
    direction = 1.0
    if ay > by:
        ax, ay, bx, by = bx, by, ax, ay
        direction = -1.0
    height, width = acc.shape
    slope = (bx - ax) / (by - ay)
    if ay < 0.0:
        ax -= ay * slope
        ay = 0.0
    end = min(by, float(height))
    x = ax
    row = floor(ay)
    y = ay
    while y < end:
        next_y = min(row + 1.0, end)
        dy = next_y - y
        next_x = x + slope * dy
        d = direction * dy
        x0 = clamp(min(x, next_x), 0.0, width - 2.0)
        x1 = clamp(max(x, next_x), 0.0, width - 2.0)
        i0 = floor(x0)
        i1 = floor(x1)
        if i0 == i1 or x1 == i0 + 1.0:
            middle = 0.5 * (x0 + x1) - i0
            acc[row, i0] += d * (1.0 - middle)
            acc[row, i0 + 1] += d * middle
        else:
            # The edge crosses several columns of this row: each gets its share of the height, and the area right of it.
            per_column = d / (x1 - x0)
            before = 0.0
            for i in range(i0, i1 + 1):
                left = max(x0, float(i))
                right = min(x1, i + 1.0)
                share = per_column * (right - left)
                middle = 0.5 * (left + right) - i
                acc[row, i] += before + share * (1.0 - middle)
                before = share * middle
            acc[row, i1 + 1] += before
        x = next_x
        y = next_y
        row += 1


@kernel
def polygon_mask(acc: Floats, points: Floats, starts: NDArray[Any]) -> None:
    """Turn zeros into the coverage of closed rings (points[starts[i]:starts[i+1]]), opposite windings cut holes.

    `acc` needs two columns to spare at the right; points are in its coordinates.
    """
    for ring in range(len(starts) - 1):
        last = starts[ring + 1] - 1
        for i in range(starts[ring], starts[ring + 1]):
            _edge(acc, points[last, 0], points[last, 1], points[i, 0], points[i, 1])
            last = i
    height, width = acc.shape
    for y in range(height):
        total = 0.0
        for x in range(width):
            total += acc[y, x]
            acc[y, x] = min(abs(total), 1.0)


@kernel
def stroke_mask(mask: Floats, points: Floats, starts: NDArray[Any], half_width: float) -> None:
    """Raise `mask` to the coverage of round-ended polylines; strokes thinner than a pixel are paler instead."""
    height, width = mask.shape
    half = max(half_width, 0.5)
    strength = min(1.0, 2.0 * half_width)
    reach = half + 0.5
    for part in range(len(starts) - 1):
        for i in range(starts[part], starts[part + 1] - 1):
            ax = points[i, 0]
            ay = points[i, 1]
            dx = points[i + 1, 0] - ax
            dy = points[i + 1, 1] - ay
            length2 = dx * dx + dy * dy
            y0 = max(0, floor(min(ay, ay + dy) - reach - 0.5))
            y1 = min(height, floor(max(ay, ay + dy) + reach + 0.5) + 1)
            for y in range(y0, y1):
                py = y + 0.5 - ay
                # Long slanting segments: only the columns near this row's piece of the segment.
                left = min(ax, ax + dx)
                right = max(ax, ax + dx)
                if abs(dy) > 2.0:
                    ta = clamp((py - reach) / dy, 0.0, 1.0)
                    tb = clamp((py + reach) / dy, 0.0, 1.0)
                    left = min(ax + ta * dx, ax + tb * dx)
                    right = max(ax + ta * dx, ax + tb * dx)
                x0 = max(0, floor(left - reach - 0.5))
                x1 = min(width, floor(right + reach + 0.5) + 1)
                for x in range(x0, x1):
                    px = x + 0.5 - ax
                    t = 0.0 if length2 == 0.0 else clamp((px * dx + py * dy) / length2, 0.0, 1.0)
                    ex = px - t * dx
                    ey = py - t * dy
                    d2 = ex * ex + ey * ey
                    if d2 < reach * reach:
                        cover = strength * min(1.0, reach - sqrt(d2))
                        mask[y, x] = max(mask[y, x], cover)


@kernel
def box_mask(mask: Floats, x0: float, y0: float, x1: float, y1: float, radius: float, blur: float) -> None:
    """Coverage of a box with round corners; with blur > 0 the soft shadow of one, `blur` pixels to each side."""
    height, width = mask.shape
    cx = 0.5 * (x0 + x1)
    cy = 0.5 * (y0 + y1)
    hx = 0.5 * (x1 - x0) - radius
    hy = 0.5 * (y1 - y0) - radius
    for y in range(height):
        for x in range(width):
            qx = abs(x + 0.5 - cx) - hx
            qy = abs(y + 0.5 - cy) - hy
            mx = max(qx, 0.0)
            my = max(qy, 0.0)
            d = sqrt(mx * mx + my * my) + min(max(qx, qy), 0.0) - radius
            mask[y, x] = clamp(0.5 - d, 0.0, 1.0) if blur == 0.0 else 1.0 - smooth(-blur, blur, d)


@kernel
def lay(canvas: Floats, mask: Floats, left: int, top: int, clip: NDArray[Any], paint: Floats) -> None:
    """Blend paint over the canvas where the mask lies, within clip (x0, y0, x1, y1).

    paint: [radial?, xa, ya, xb, yb, opacity, r, g, b (at a), r, g, b (at b)]; radial: b is a point on the outer circle.
    """
    height, width = mask.shape
    x_first = max(0, clip[0] - left)
    x_end = min(width, clip[2] - left)
    ax = paint[1]
    ay = paint[2]
    dx = paint[3] - ax
    dy = paint[4] - ay
    length2 = dx * dx + dy * dy
    for y in range(max(0, clip[1] - top), min(height, clip[3] - top)):
        for x in range(x_first, x_end):
            cover = mask[y, x] * paint[5]
            if cover <= 0.0:
                continue
            t = 0.0
            if length2 > 0.0:
                px = x + left + 0.5 - ax
                py = y + top + 0.5 - ay
                if paint[0] > 0.0:
                    t = clamp(sqrt((px * px + py * py) / length2), 0.0, 1.0)
                else:
                    t = clamp((px * dx + py * dy) / length2, 0.0, 1.0)
            for c in range(3):
                colour = paint[6 + c] + (paint[9 + c] - paint[6 + c]) * t
                below = canvas[y + top, x + left, c]
                canvas[y + top, x + left, c] = below + (colour - below) * cover


@kernel
def quantise(first: int, end: int, canvas: Floats, out: NDArray[Any]) -> None:
    """Rows first..end of a canvas as uint8, rounded to nearest, with a touch of ordered dither against banding."""
    for y in range(first, end):
        for x in range(canvas.shape[1]):
            # Interleaved gradient pattern in integers, -0.5 to 0.5 of a step, the same for the three channels.
            dither = (((x * 67 + y * 131 + ((x * y) >> 3) * 17) & 63) - 31.5) / 64.0
            for c in range(3):
                value = canvas[y, x, c] * 255.0
                whole = float(int(value))
                # Flat areas stay flat: only values between two steps are dithered.
                fraction = value - whole
                if 0.02 < fraction < 0.98:
                    value += 0.5 * dither
                out[y, x, c] = int(clamp(value + 0.5, 0.0, 255.0))
