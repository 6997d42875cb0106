"""Natural texture: a mountain lake under clouds (test) and a desert canyon (train), by walking rays over a height field."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import in_bands, kernel
from rtsr_bench.datasets.builtin.maths import clamp, exponential, floor, mix, power, smooth
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
def _canyon(x: float, z: float) -> float:
    """Height in metres: terraces of rock cut by a winding dry river."""
    river = abs(x + 0.55 * gradient_noise(z * 0.55, 5.0, 401) + 0.22 * gradient_noise(z * 1.6, 8.0, 402))
    raw = 0.45 * fractal_noise(x * 0.8, z * 0.8, 8, 411) + 0.75 * smooth(0.05, 1.1, river) - 0.15
    raw += 0.30 * ridged_noise(x * 0.6, z * 0.6, 6, 421)
    step = raw * 7.0
    i = floor(step)
    terrace = (i + power(smooth(0.0, 1.0, step - i), 1.7)) / 7.0
    return 620.0 * mix(raw, terrace, 0.75) + 40.0


@kernel
def _fill(first: int, end: int, heights: NDArray[Any], kind: int, left: float, near: float, span: float) -> None:
    for j in range(first, end):
        for i in range(heights.shape[1]):
            x = left + span * i / MAP
            z = near + span * j / MAP
            heights[j, i] = _alpine(x, z) if kind == 0 else _canyon(x, z)


@kernel
def _height(heights: NDArray[Any], x: float, z: float, left: float, near: float, span: float) -> float:
    """Between four samples of the map, smoothly."""
    u = clamp((x - left) / span * MAP, 0.0, MAP - 2.001)
    v = clamp((z - near) / span * MAP, 0.0, MAP - 2.001)
    i = floor(u)
    j = floor(v)
    fu = u - i
    fv = v - j
    top = heights[j, i] + (heights[j, i + 1] - heights[j, i]) * fu
    low = heights[j + 1, i] + (heights[j + 1, i + 1] - heights[j + 1, i]) * fu
    return top + (low - top) * fv


@kernel
def _sky(kind: int, dx: float, dy: float) -> tuple[float, float, float]:
    """Colour of the sky in a direction (dx to the right, dy up, forward is 1), linear light, with clouds."""
    up = max(dy, 0.004)
    haze = exponential(-7.0 * up)
    if kind == 0:
        r, g, b = mix(0.10, 0.62, haze), mix(0.25, 0.70, haze), mix(0.58, 0.80, haze)
    else:
        r, g, b = mix(0.16, 0.88, haze), mix(0.30, 0.66, haze), mix(0.55, 0.45, haze)
    # A flat layer of clouds, seen in perspective.
    u = dx / (up + 0.05)
    v = 1.0 / (up + 0.05)
    big = fractal_noise(u * 0.33 + 4.0, v * 0.33, 8, 501 + kind)
    lit = fractal_noise(u * 0.33 + 3.85, v * 0.33 + 0.1, 5, 501 + kind)
    cover = smooth(-0.16 + 0.28 * kind, 0.34 + 0.18 * kind, big) * smooth(0.0, 0.09, dy)
    white = clamp(0.78 + 0.8 * (lit - big) + 0.10 * big, 0.25, 1.0)
    r = mix(r, 0.98 * white, cover)
    g = mix(g, (0.97 - 0.05 * kind) * white, cover)
    b = mix(b, (0.98 - 0.14 * kind) * white, cover)
    return r, g, b


@kernel
def _ground(kind: int, x: float, z: float, grain: float, h: float, up: float, far: float) -> tuple[float, float, float]:
    """Albedo at a point: snow, rock, meadow, forest or sandstone by height and steepness; `far` in km fades detail."""
    patch = fractal_noise(x * 3.1, z * 3.1, 4, 607)
    if kind == 0:
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
    band = fractal_noise(h * 0.045, 0.02 * x + 3.0, 3, 631)
    r = 0.46 * (1.0 + 0.26 * band + 0.42 * grain)
    g = 0.235 * (1.0 + 0.42 * band + 0.42 * grain)
    b = 0.125 * (1.0 + 0.48 * band + 0.40 * grain)
    sand = smooth(0.80, 0.94, up + 0.05 * grain)
    ripple = gradient_noise(x * 90.0 + 2.0 * patch, z * 30.0, 641) / (1.0 + far)
    r = mix(r, 0.60 + 0.06 * grain + 0.06 * ripple, sand)
    g = mix(g, 0.41 + 0.05 * grain + 0.05 * ripple, sand)
    b = mix(b, 0.24 + 0.03 * grain + 0.03 * ripple, sand)
    shrub = smooth(0.30, 0.42, fractal_noise(x * 60.0, z * 60.0, 2, 651) + 0.25 * patch) * sand
    return max(mix(r, 0.12, shrub), 0.01), max(mix(g, 0.13, shrub), 0.01), max(mix(b, 0.05, shrub), 0.01)


@kernel
def _shadows(first: int, end: int, light: NDArray[Any], heights: NDArray[Any], place: NDArray[Any]) -> None:
    """How much of the sun each sample of the map sees, 0 to 1, with a soft edge that widens with distance."""
    for j in range(first, end):
        for i in range(light.shape[1]):
            x = place[0] + place[2] * i / MAP
            z = place[1] + place[2] * j / MAP
            seen = 1.0
            step = 0.012
            t = step
            for _ in range(34):
                ground = _height(heights, x + place[3] * t, z + place[5] * t, place[0], place[1], place[2])
                seen = min(seen, 0.5 + (heights[j, i] + 1000.0 * place[4] * t + 1.0 - ground) / (70.0 * t + 3.0))
                if seen <= 0.0:
                    break
                t += step
                step *= 1.12
            light[j, i] = clamp(seen, 0.0, 1.0)


@kernel
def _lit(
    kind: int, heights: NDArray[Any], light: NDArray[Any], place: NDArray[Any], x: float, z: float, far: float
) -> tuple[float, float, float]:
    """Light that leaves the ground at (x, z), seen from `far` km through the air."""
    left = place[0]
    near = place[1]
    span = place[2]
    eps = span / MAP * (0.75 + 0.10 * far)
    h = _height(heights, x, z, left, near, span)
    nx = _height(heights, x - eps, z, left, near, span) - _height(heights, x + eps, z, left, near, span)
    nz = _height(heights, x, z - eps, left, near, span) - _height(heights, x, z + eps, left, near, span)
    nx /= 2000.0 * eps
    nz /= 2000.0 * eps
    up = 1.0 / sqrt(nx * nx + nz * nz + 1.0)
    # Rock is textured in planes that slant against the slope (a null direction never within it): no smears on cliffs.
    wide = 6.0 * eps
    u = x
    v = z
    if up < 0.93:
        rises = _height(heights, x - wide, z, left, near, span) > _height(heights, x + wide, z, left, near, span)
        u -= 0.001 * h if rises else -0.001 * h
        rises = _height(heights, x, z - wide, left, near, span) > _height(heights, x, z + wide, left, near, span)
        v -= 0.001 * h if rises else -0.001 * h
    r, g, b = _ground(
        kind, x, z, fractal_noise(u * 180.0 / (1.0 + 0.35 * far), v * 180.0 / (1.0 + 0.35 * far), 5, 601), h, up, far
    )
    # Finer than the map: cracks and stones that only tilt the surface.
    fine = 150.0 / (1.0 + 0.30 * far)
    nx += 0.55 * fractal_noise(u * fine, v * fine, 3, 661)
    nz += 0.55 * fractal_noise(u * fine + 5.0, v * fine, 3, 671)
    inverse = 1.0 / sqrt(nx * nx + nz * nz + 1.0)
    sun = max(0.0, (nx * place[3] + place[4] + nz * place[5]) * inverse)
    sun *= _height(light, x, z, left, near, span)
    warm = 1.0 + 0.12 * kind
    dome = 0.26 + 0.10 * inverse
    r *= 1.75 * warm * sun + dome * 0.70
    g *= 1.58 * sun + dome * 0.85
    b *= 1.32 * sun + dome * 1.15
    air = 1.0 - exponential(-far * place[6])
    if kind == 0:
        return mix(r, 0.50, air), mix(g, 0.60, air), mix(b, 0.74, air)
    return mix(r, 0.78, air), mix(g, 0.60, air), mix(b, 0.46, air)


@kernel
def _hit(
    heights: NDArray[Any],
    place: NDArray[Any],
    at: tuple[float, float, float],
    dx: float,
    dy: float,
    t: float,
    fine: float,
) -> float:
    """Walk a ray from `at` (x and z in km, height in m), sideways dx and up dy a km forward, starting t km ahead.

    Returns how many km ahead it meets the ground or the water's level, 0 where it leaves over the horizon.
    """
    last = t
    last_gap = 0.0
    ahead = place[9] - at[2]
    while t < ahead:
        h = at[1] + 1000.0 * dy * t
        if h > place[13] and dy > 0.0:
            return 0.0
        ground = max(_height(heights, at[0] + dx * t, at[2] + t, place[0], place[1], place[2]), place[14])
        gap = h - ground
        if gap <= 0.0:
            return last + (t - last) * last_gap / (last_gap - gap) if last_gap > 0.0 else t
        last = t
        last_gap = gap
        t += max(fine * (t + 0.15), 0.00040 * gap)
    return 0.0


@kernel
def _water(
    heights: NDArray[Any],
    light: NDArray[Any],
    place: NDArray[Any],
    x: float,
    z: float,
    dx: float,
    dy: float,
    far: float,
) -> tuple[float, float, float]:
    """Ripples tilt the mirror; what it shows is mixed in by Fresnel's law (Schlick's form)."""
    calm = 0.034 / (1.0 + 0.45 * far)
    rx = calm * fractal_noise(x * 46.0, z * 30.0, 3, 701)
    rz = calm * fractal_noise(x * 46.0 + 7.0, z * 30.0, 3, 709)
    up = max(rz - dy, 0.001)
    side = dx + rx
    again = _hit(heights, place, (x, 0.2, z), side, up, 0.03, 0.018)
    if again > 0.0:
        r, g, b = _lit(0, heights, light, place, x + side * again, z + again, far + again)
    else:
        r, g, b = _sky(0, side, up)
    glance = 1.0 - clamp(up, 0.0, 1.0)
    mirror = 0.05 + 0.90 * glance * glance * glance * glance * glance
    return mix(0.012, r, mirror), mix(0.040, g, mirror), mix(0.046, b, mirror)


@kernel
def _paint(
    first: int, end: int, out: NDArray[Any], heights: NDArray[Any], light: NDArray[Any], place: NDArray[Any], kind: int
) -> None:
    """Columns first..end, four samples a pixel, from the foot up: what is higher in a column is never nearer."""
    height, width, _ = out.shape
    focal = place[11] * width
    eye = (place[7], place[10], place[8])
    start = np.empty(4)
    for x in range(first, end):
        start[:] = 0.02
        for y in range(height - 1, -1, -1):
            r = 0.0
            g = 0.0
            b = 0.0
            red = 0.0
            green = 0.0
            blue = 0.0
            wet = False
            open_air = False
            for s in range(4):
                sx = x + 0.125 + 0.25 * s
                sy = y + (0.375 if s == 0 else 0.875 if s == 1 else 0.125 if s == 2 else 0.625)
                dx = (sx - 0.5 * width) / focal
                dy = (place[12] * height - sy) / focal
                t = 0.0 if start[s] < 0.0 else _hit(heights, place, eye, dx, dy, start[s], 0.0011)
                if t == 0.0:
                    start[s] = -1.0
                    if not (open_air and s > 0):
                        red, green, blue = _sky(kind, dx, dy)
                    open_air = True
                    wet = False
                else:
                    start[s] = t
                    px = eye[0] + dx * t
                    pz = eye[2] + t
                    if _height(heights, px, pz, place[0], place[1], place[2]) < place[14]:
                        # Mirrored rays are dear and water is smooth: every second sample repeats the one before, as does open sky.
                        if not (wet and s & 1):
                            red, green, blue = _water(heights, light, place, px, pz, dx, dy, t)
                        wet = True
                        open_air = False
                    else:
                        wet = False
                        open_air = False
                        red, green, blue = _lit(kind, heights, light, place, px, pz, t)
                r += red / (1.0 + 0.30 * red)
                g += green / (1.0 + 0.30 * green)
                b += blue / (1.0 + 0.30 * blue)
            out[y, x, 0] = int(sqrt(clamp(0.30 * r, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 1] = int(sqrt(clamp(0.30 * g, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 2] = int(sqrt(clamp(0.30 * b, 0.0, 1.0)) * 255.0 + 0.5)


def _picture(width: int, height: int, kind: int, place: tuple[float, ...]) -> NDArray[Any]:
    heights = np.empty((MAP, MAP), dtype=np.float64)
    in_bands(_fill, MAP, heights, kind, place[0], place[1], place[2])
    numbers = np.array([*place, float(heights.max()), 0.0 if kind == 0 else -1.0e4])
    light = np.empty((MAP, MAP), dtype=np.float64)
    in_bands(_shadows, MAP, light, heights, numbers)
    out = np.empty((height, width, 3), dtype=np.uint8)
    in_bands(_paint, width, out, heights, light, numbers, kind)
    return out


# What the numbers of a picture are: left, near, span of the map (km); direction to the sun x, y, z; haze per km;
# eye x, z (km); reach (km); eye height (m); focal length / width; horizon's row / height; then, found or by kind:
# the highest ground (m) and the water's level (m).
def lake() -> NDArray[Any]:
    """Mountains, forest and snow round a lake, under clouds."""
    return _picture(3840, 2160, 0, (-6.0, 0.0, 12.0, -0.74, 0.52, -0.43, 0.050, 0.02, 0.55, 11.5, 75.0, 0.80, 0.60))


def canyon() -> NDArray[Any]:
    """Terraces of red rock round a dry river, low sun."""
    return _picture(1920, 1080, 1, (-5.0, 0.0, 10.0, 0.80, 0.42, 0.43, 0.075, 0.1, 0.1, 9.6, 560.0, 0.72, 0.34))
