"""Pebbles on a beach (train): two sizes of rounded stones by cellular noise, wet sand between."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import in_bands, kernel
from rtsr_bench.datasets.builtin.maths import clamp, mix, smooth
from rtsr_bench.datasets.builtin.noise import cells, fractal_noise, gradient_noise

WIDTH = 2560
HEIGHT = 1440


@kernel
def _pebble(x: float, y: float, size: float, seed: int) -> tuple[float, int]:
    """Height of a layer of stones 0..1 and whose stone it is."""
    wx = x / size + 0.22 * gradient_noise(x / size * 1.7, y / size * 1.7, seed + 1)
    wy = y / size * 1.15 + 0.22 * gradient_noise(x / size * 1.7 + 8.0, y / size * 1.7, seed + 2)
    near, second, owner = cells(wx, wy, seed)
    dome = smooth(0.02, 0.62, second - near)
    return sqrt(dome), owner


@kernel
def _relief(x: float, y: float) -> tuple[float, int]:
    """The higher of the two layers; large stones lie here and there upon the small."""
    small, owner = _pebble(x, y, 58.0, 1201)
    small *= 0.45
    big, chief = _pebble(x + 31.0, y + 17.0, 190.0, 1251)
    if chief & 255 < 120:
        big = 1.25 * big - 0.12
        if big > small:
            return big, chief
    return small, owner


@kernel
def _paint(first: int, end: int, out: NDArray[Any]) -> None:
    for y in range(first, end):
        for x in range(WIDTH):
            r = 0.0
            g = 0.0
            b = 0.0
            for s in range(2):
                px = x + 0.25 + 0.5 * s
                py = y + 0.75 - 0.5 * s
                h, owner = _relief(px, py)
                hx, _ = _relief(px + 1.5, py)
                hy, _ = _relief(px, py + 1.5)
                k = 16.0 if h < 0.45 else 44.0
                grain = fractal_noise(px * 0.09, py * 0.09, 4, owner & 1023)
                nx = (h - hx) * k + 0.30 * gradient_noise(px * 0.35, py * 0.35, 1301)
                ny = (h - hy) * k + 0.30 * gradient_noise(px * 0.35, py * 0.35, 1302)
                length = sqrt(1.0 + nx * nx + ny * ny)
                light = clamp((-0.55 * nx - 0.45 * ny + 0.75) / length, 0.03, 1.5)
                shine = clamp((-0.42 * nx - 0.36 * ny + 0.84) / length, 0.0, 1.0)
                shine = shine * shine * shine * shine
                shine = 0.10 * shine * shine * shine
                tone = 0.10 + 0.34 * ((owner >> 8) & 255) / 255.0
                warm = ((owner >> 16) & 255) / 255.0
                band = smooth(0.0, 0.10, abs(gradient_noise(px * 0.011 + 0.02 * py, py * 0.023, (owner >> 3) & 1023)))
                if owner & 7 == 3:
                    tone = mix(0.62, tone, band)
                body = tone * (1.0 + 0.55 * grain) * light * mix(0.25, 1.0, smooth(0.0, 0.30, h))
                r += body * mix(0.92, 1.22, warm) + shine
                g += body * mix(0.98, 0.98, warm) + shine
                b += body * mix(1.05, 0.76, warm) + shine
            out[y, x, 0] = int(sqrt(clamp(0.72 * r, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 1] = int(sqrt(clamp(0.72 * g, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 2] = int(sqrt(clamp(0.72 * b, 0.0, 1.0)) * 255.0 + 0.5)


def pebbles() -> NDArray[Any]:
    """A shingle beach from above."""
    out = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    in_bands(_paint, HEIGHT, out)
    return out
