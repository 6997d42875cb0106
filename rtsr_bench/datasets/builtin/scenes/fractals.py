"""Fractal detail: a Julia set, lit as a relief. The code draws the Mandelbrot set, too."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import in_bands, kernel
from rtsr_bench.datasets.builtin.maths import clamp, cosine, logarithm

LN2 = 0.6931471805599453


@kernel
def _escape(zx: float, zy: float, cx: float, cy: float, own: float, limit: int) -> tuple[float, float, float, float]:
    """Smooth escape count, distance to the set, and the direction away from it; count -1 for points that stay.

    `own` is what c adds to the derivative: 0 for Julia sets, 1 for Mandelbrot's. The count is made continuous by
    n - log2(log|z|), the distance is |z| log|z| / |z'| (Peitgen and Saupe 1988).
    """
    dx = 1.0
    dy = 0.0
    for n in range(limit):
        x2 = zx * zx
        y2 = zy * zy
        if x2 + y2 > 1.0e6:
            log_z = 0.5 * logarithm(x2 + y2)
            size = dx * dx + dy * dy
            distance = sqrt((x2 + y2) / size) * log_z
            ux = (zx * dx + zy * dy) / size
            uy = (zy * dx - zx * dy) / size
            length = sqrt(ux * ux + uy * uy)
            return n - logarithm(log_z) / LN2, distance, ux / length, uy / length
        ddx = 2.0 * (zx * dx - zy * dy)
        dy = 2.0 * (zx * dy + zy * dx)
        dx = ddx + own
        zy = 2.0 * zx * zy + cy
        zx = x2 - y2 + cx
    return -1.0, 0.0, 0.0, 0.0


@kernel
def _colour(
    count: float, distance: float, ux: float, uy: float, pixel: float, wheel: NDArray[Any]
) -> tuple[float, float, float]:
    """Palette by the count, darkened to the set's edge, lit from the upper left; linear light."""
    if count < 0.0:
        return 0.006, 0.008, 0.016
    t = wheel[6] * sqrt(count) + wheel[7]
    light = 0.42 + 0.58 * clamp((-0.62 * ux + 0.55 * uy + 0.75) / 1.45, 0.0, 1.0)
    edge = clamp(0.30 * sqrt(distance / pixel), 0.0, 1.0)
    shade = light * (0.04 + 0.96 * edge)
    r = 0.5 + 0.5 * cosine(wheel[0] * t + wheel[3])
    g = 0.5 + 0.5 * cosine(wheel[1] * t + wheel[4])
    b = 0.5 + 0.5 * cosine(wheel[2] * t + wheel[5])
    return shade * (0.03 + 0.9 * r * r), shade * (0.03 + 0.85 * g * g), shade * (0.05 + 0.9 * b * b)


@kernel
def _paint(first: int, end: int, out: NDArray[Any], view: NDArray[Any], wheel: NDArray[Any], limit: int) -> None:
    """Four samples a pixel on a turned grid, one far from the set.

    view: centre x, y, width, cosine and sine of the turn, 1 for a Julia set, its c.
    """
    height, width, _ = out.shape
    pixel = view[2] / width
    for y in range(first, end):
        for x in range(width):
            r = 0.0
            g = 0.0
            b = 0.0
            weight = 0.25
            for s in range(4):
                sx = x + 0.125 + 0.25 * s - 0.5 * width
                sy = y + 0.125 + 0.25 * ((s * 2 + 1) % 4 if s < 2 else (s * 2) % 4) - 0.5 * height
                px = view[0] + pixel * (view[3] * sx - view[4] * sy)
                py = view[1] - pixel * (view[4] * sx + view[3] * sy)
                if view[5] > 0.0:
                    count, distance, ux, uy = _escape(px, py, view[6], view[7], 0.0, limit)
                else:
                    count, distance, ux, uy = _escape(px, py, px, py, 1.0, limit)
                red, green, blue = _colour(count, distance, ux, uy, pixel, wheel)
                r += red
                g += green
                b += blue
                if s == 0 and distance > 6.0 * pixel:
                    weight = 1.0  # far from the set nothing changes within a pixel
                    break
            out[y, x, 0] = int(sqrt(clamp(weight * r, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 1] = int(sqrt(clamp(weight * g, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 2] = int(sqrt(clamp(weight * b, 0.0, 1.0)) * 255.0 + 0.5)


def picture(width: int, height: int, view: tuple[float, ...], wheel: tuple[float, ...], limit: int) -> NDArray[Any]:
    """Draw a view (see `_paint`) with the colours of a wheel (see `_colour`): uint8, height x width x 3."""
    out = np.empty((height, width, 3), dtype=np.uint8)
    in_bands(_paint, height, out, np.array(view), np.array(wheel), limit)
    return out


def julia() -> NDArray[Any]:
    """The Julia set of c = -0.74543 + 0.11301i: spirals within spirals."""
    view = (0.0, 0.0, 3.1, 0.96, -0.28, 1.0, -0.74543, 0.11301)
    return picture(3840, 2160, view, (1.0, 1.0, 1.0, 3.6, 2.7, 1.5, 0.95, 0.4), 420)
