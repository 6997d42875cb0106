"""Foliage: leaves upon leaves, painted front to back until nothing shows through (test).

Overlapping opaque shapes of many sizes share the statistics of photographs (the dead leaves model, Lee et al. 2001).
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import in_bands, kernel
from rtsr_bench.datasets.builtin.maths import TAU, clamp, cosine, floor, mix, sine, smooth
from rtsr_bench.datasets.builtin.noise import fractal_noise, gradient_noise, uniform

WIDTH = 3840
HEIGHT = 2160
COUNT = 5200


@kernel
def _outline(t: float, kind: int, ripple: float) -> float:
    """Half width of a leaf at t of its length (0 stalk, 1 tip), as a part of the length."""
    if t <= 0.0 or t >= 1.0:
        return 0.0
    if kind == 0:  # ovate, finely toothed
        w = 0.36 * sqrt(t) * (1.0 - t) * 2.0 * (1.12 - 0.35 * t)
        tooth = t * 26.0
        return w * (1.0 - 0.10 * (tooth - floor(tooth)))
    if kind == 1:  # lanceolate
        return 0.52 * t * (1.0 - t) * (1.25 - 0.5 * t)
    # lobed, as an oak's
    w = 0.40 * sqrt(t) * (1.0 - t * t) * 1.3
    return w * (0.72 + 0.28 * cosine(TAU * 4.5 * t + ripple))


@kernel
def _leaf(  # noqa: C901, PLR0912, PLR0915 (one pass over a pixel, every value is used by the next)
    first: int, end: int, canvas: NDArray[Any], left_over: NDArray[Any], leaves: NDArray[Any]
) -> None:
    """Rows first..end of all leaves, the last lies on top: x, y, cosine, sine, length, kind, depth, hue, seed.

    `left_over` is what part of the light from below still counts, shadows included.
    """
    width = canvas.shape[1]
    for k in range(leaves.shape[0] - 1, -1, -1):
        x0 = leaves[k, 0]
        y0 = leaves[k, 1]
        c = leaves[k, 2]
        s = leaves[k, 3]
        length = leaves[k, 4]
        kind = int(leaves[k, 5])
        depth = leaves[k, 6]
        hue = leaves[k, 7]
        seed = int(leaves[k, 8])
        shadow = 0.055 * length
        long_way = 0.62 * length + shadow
        wide_way = (0.26 if kind == 1 else 0.42) * length + shadow
        reach = long_way * abs(s) + wide_way * abs(c)
        if y0 + reach < first or y0 - reach >= end:
            continue
        curve = 0.40 * (uniform(seed, 1, 5) - 0.5)
        ripple = 6.0 * uniform(seed, 2, 5)
        lean = 0.35 * (uniform(seed, 3, 5) - 0.5)
        ribs = 17.0 if kind == 1 else 11.0
        for y in range(max(first, floor(y0 - reach)), min(end, floor(y0 + reach) + 1)):
            py = y + 0.5 - y0
            # The columns of this row within the leaf's slanting box.
            left = -2.0 * length
            right = 2.0 * length
            if abs(c) > 0.05:
                middle_x = -py * s / c
                left = max(left, middle_x - long_way / abs(c))
                right = min(right, middle_x + long_way / abs(c))
            if abs(s) > 0.05:
                middle_x = py * c / s
                left = max(left, middle_x - wide_way / abs(s))
                right = min(right, middle_x + wide_way / abs(s))
            for x in range(max(0, floor(x0 + left)), min(width, floor(x0 + right) + 2)):
                before = left_over[y, x]
                if before < 0.004:
                    continue
                px = x + 0.5 - x0
                # Along the leaf t runs from 0 to 1, across it w in parts of the length; the blade is bent a little.
                t = (px * c + py * s) / length + 0.5
                w = (py * c - px * s) / length - curve * t * (1.0 - t)
                half = _outline(t, kind, ripple)
                cover = clamp((half - abs(w)) * length + 0.5, 0.0, 1.0)
                if abs(w) < 0.008 and -0.10 < t <= 0.02:  # the stalk
                    cover = max(cover, clamp((0.008 - abs(w)) * length + 0.5, 0.0, 1.0))
                if cover < 1.0:
                    left_over[y, x] = before * (1.0 - cover)
                    # The shadow it casts on what lies below, away from the light at the upper left.
                    qx = px - shadow * 0.8
                    qy = py - shadow
                    ts = (qx * c + qy * s) / length + 0.5
                    ws = (qy * c - qx * s) / length - curve * ts * (1.0 - ts)
                    dark = smooth(-0.10, 0.06, _outline(ts, kind, ripple) - abs(ws))
                    if 0.0 < ts < 1.0 and dark > 0.0:
                        left_over[y, x] *= 1.0 - 0.62 * dark
                else:
                    left_over[y, x] = 0.0
                if cover <= 0.0:
                    continue
                side = 1.0 if w > 0.0 else -1.0
                across = abs(w) / max(half, 0.001)
                vein = (t - 0.55 * abs(w) / 0.36) * ribs
                vein = abs(vein - floor(vein) - 0.5) * length / 22.0
                rib = 1.0 - smooth(0.3, 1.5 + 0.004 * length, vein * 2.0)
                middle = 1.0 - smooth(0.002, 0.012, abs(w))
                # Each half of the blade tilts its own way, and bulges between the ribs.
                tilt = side * (c * 0.35 + s * 0.25) * (0.6 + 0.6 * across) + lean
                bulge = 0.10 * sine(TAU * (t - 0.55 * abs(w) / 0.36) * ribs)
                light = clamp(0.72 + tilt + bulge * (1.0 - 0.4 * across), 0.10, 1.6)
                grain = gradient_noise(px * 0.42, py * 0.42, seed & 1023) * 0.16
                spot = fractal_noise(px * 9.0 / length, py * 9.0 / length, 4, (seed >> 4) & 1023)
                r = mix(0.050, 0.34, hue)
                g = mix(0.170, 0.33, hue)
                b = mix(0.032, 0.045, hue)
                if hue > 0.92:  # an autumn leaf now and then
                    r, g, b = 0.46, 0.15, 0.03
                brown = smooth(0.42, 0.55, spot)
                r = mix(r, 0.16, brown)
                g = mix(g, 0.09, brown)
                b = mix(b, 0.03, brown)
                body = (1.0 + grain + 0.30 * spot) * (1.0 - 0.14 * across)
                line = clamp(0.45 * rib * (1.0 - 0.5 * across) + 0.8 * middle, 0.0, 1.0)
                r = mix(r * body, r * 1.5 + 0.05, line) * light
                g = mix(g * body, g * 1.35 + 0.05, line) * light
                b = mix(b * body, b * 1.4 + 0.02, line) * light
                gloss = clamp(light - 0.95, 0.0, 1.0)
                fade = 0.16 + 0.84 * depth
                canvas[y, x, 0] += before * cover * ((r + 0.20 * gloss) * fade)
                canvas[y, x, 1] += before * cover * ((g + 0.24 * gloss) * fade)
                canvas[y, x, 2] += before * cover * ((b + 0.22 * gloss) * fade + 0.012 * (1.0 - depth))


@kernel
def _show(first: int, end: int, canvas: NDArray[Any], out: NDArray[Any]) -> None:
    """Light as display values, with flecks of sun over the whole."""
    for y in range(first, end):
        for x in range(canvas.shape[1]):
            fleck = smooth(-0.35, 0.45, fractal_noise(x / 900.0, y / 900.0, 3, 951))
            gain = 0.55 + 1.35 * fleck
            for c in range(3):
                v = canvas[y, x, c] * gain * (1.0 if c == 2 else 1.06)
                out[y, x, c] = int(sqrt(clamp(1.25 * v / (1.0 + 0.35 * v), 0.0, 1.0)) * 255.0 + 0.5)


def foliage() -> NDArray[Any]:
    """A hedge in dappled light: some five thousand leaves of three kinds."""
    leaves = np.empty((COUNT, 9), dtype=np.float64)
    for k in range(COUNT):
        depth = k / (COUNT - 1)
        size = uniform(k, 1, 911)
        turn = TAU * uniform(k, 2, 911)
        length = 90.0 + 330.0 * size * size * size + 120.0 * depth
        kind = 0 if uniform(k, 3, 911) < 0.55 else 1 if uniform(k, 3, 911) < 0.82 else 2
        leaves[k] = (
            uniform(k, 4, 911) * (WIDTH + 200.0) - 100.0,
            uniform(k, 5, 911) * (HEIGHT + 200.0) - 100.0,
            cosine(turn),
            sine(turn),
            length,
            kind,
            depth,
            uniform(k, 6, 911) * uniform(k, 7, 911) if uniform(k, 8, 911) < 0.97 else 1.0,
            1000.0 + k,
        )
    canvas = np.zeros((HEIGHT, WIDTH, 3), dtype=np.float32)
    in_bands(_leaf, HEIGHT, canvas, np.ones((HEIGHT, WIDTH)), leaves, rows=135)
    out = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    in_bands(_show, HEIGHT, canvas, out)
    return out
