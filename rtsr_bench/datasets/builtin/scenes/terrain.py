"""Mountains as formulas: their heights, ground and sky (for `landscape`)."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import kernel
from rtsr_bench.datasets.builtin.maths import clamp, exponential, floor, mix, smooth
from rtsr_bench.datasets.builtin.noise import fractal_noise, gradient_noise, ridged_noise

MAP = 2048  # samples along a side of the height map


@kernel
def _alpine(x: float, z: float) -> float:
    """Height in metres at (x, z) in kilometres: a valley floor between ridges."""
    wx = x + 0.35 * fractal_noise(x * 0.7, z * 0.7, 2, 301)
    wz = z + 0.35 * fractal_noise(x * 0.7 + 9.0, z * 0.7, 2, 305)
    ridge = ridged_noise(wx * 0.42 + 0.3, wz * 0.42 + 1.7, 9, 311)
    valley = smooth(0.15, 1.9, abs(x - 0.45 * gradient_noise(z * 0.35, 2.0, 317) * 2.0))
    return (
        -120.0
        + 1180.0 * ridge * (0.45 + 0.55 * ridge) * (0.12 + 0.88 * valley)
        + 170.0 * fractal_noise(wx * 1.3, wz * 1.3, 8, 331)
    )


@kernel
def fill(first: int, end: int, heights: NDArray[Any], left: float, near: float, span: float) -> None:
    """Rows first..end of a square map that begins at (left, near) and is `span` km wide."""
    for j in range(first, end):
        for i in range(heights.shape[1]):
            x = left + span * i / MAP
            z = near + span * j / MAP
            heights[j, i] = _alpine(x, z)


@kernel
def height_at(heights: NDArray[Any], x: float, z: float, left: float, near: float, span: float) -> float:
    """Between four samples of the map, smoothly."""
    dense = MAP / span
    u = clamp((x - left) * dense, 0.0, MAP - 2.001)
    v = clamp((z - near) * dense, 0.0, MAP - 2.001)
    i = floor(u)
    j = floor(v)
    fu = u - i
    fv = v - j
    top = heights[j, i] + (heights[j, i + 1] - heights[j, i]) * fu
    low = heights[j + 1, i] + (heights[j + 1, i + 1] - heights[j + 1, i]) * fu
    return float(top + (low - top) * fv)


@kernel
def sky(dx: float, dy: float) -> tuple[float, float, float]:
    """Colour of the sky in a direction (dx to the right, dy up, forward is 1), linear light, with clouds."""
    up = max(dy, 0.004)
    haze = exponential(-7.0 * up)
    r, g, b = mix(0.10, 0.62, haze), mix(0.25, 0.70, haze), mix(0.58, 0.80, haze)
    # A flat layer of clouds, seen in perspective.
    u = dx / (up + 0.05)
    v = 1.0 / (up + 0.05)
    big = fractal_noise(u * 0.33 + 4.0, v * 0.33, 8, 501)
    lit = fractal_noise(u * 0.33 + 3.85, v * 0.33 + 0.1, 5, 501)
    cover = smooth(-0.16, 0.34, big) * smooth(0.0, 0.09, dy)
    white = clamp(0.78 + 0.8 * (lit - big) + 0.10 * big, 0.25, 1.0)
    r = mix(r, 0.98 * white, cover)
    g = mix(g, 0.97 * white, cover)
    b = mix(b, 0.98 * white, cover)
    return r, g, b


@kernel
def ground_at(x: float, z: float, grain: float, h: float, up: float, far: float) -> tuple[float, float, float]:
    """Albedo at a point: snow, rock, meadow or forest by height and steepness; `far` in km fades detail."""
    patch = fractal_noise(x * 3.1, z * 3.1, 4, 607)
    speck = fractal_noise(x * 210.0, z * 210.0, 2, 617) / (1.0 + 0.25 * far)
    rock = 0.19 * (1.0 + 0.75 * grain + 0.30 * patch)
    r, g, b = rock * 1.04, rock, rock * 0.97
    green = smooth(0.52, 0.72, up + 0.14 * grain) * (1.0 - smooth(420.0, 640.0, h + 150.0 * patch))
    r = mix(r, 0.105 + 0.05 * grain + 0.03 * patch, green)
    g = mix(g, 0.150 + 0.05 * grain + 0.02 * patch, green)
    b = mix(b, 0.035 + 0.02 * grain, green)
    trees = (
        smooth(-0.12, 0.10, patch + 0.75 * speck)
        * (1.0 - smooth(260.0, 400.0, h + 90.0 * patch))
        * smooth(0.42, 0.6, up)
    )
    r = mix(r, 0.030 + 0.045 * speck, trees)
    g = mix(g, 0.058 + 0.070 * speck, trees)
    b = mix(b, 0.024 + 0.025 * speck, trees)
    snow = smooth(500.0, 640.0, h + 170.0 * patch + 120.0 * grain) * smooth(0.34, 0.58, up + 0.14 * grain)
    white = 0.84 + 0.07 * grain
    r = mix(r, white, snow)
    g = mix(g, white, snow)
    b = mix(b, white * 1.04, snow)
    beach = 1.0 - smooth(2.0, 14.0, h + 6.0 * patch)
    r = mix(r, 0.30 + 0.10 * grain, beach)
    g = mix(g, 0.27 + 0.09 * grain, beach)
    b = mix(b, 0.21 + 0.07 * grain, beach)
    return max(r, 0.004), max(g, 0.004), max(b, 0.004)
