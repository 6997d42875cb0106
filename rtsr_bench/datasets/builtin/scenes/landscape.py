"""Natural texture: a mountain lake, by walking rays over a height field."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import in_bands, kernel
from rtsr_bench.datasets.builtin.maths import clamp, exponential, mix
from rtsr_bench.datasets.builtin.noise import fractal_noise
from rtsr_bench.datasets.builtin.scenes.terrain import MAP, fill, ground_at, height_at, sky


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
                ground = height_at(heights, x + place[3] * t, z + place[5] * t, place[0], place[1], place[2])
                seen = min(seen, 0.5 + (heights[j, i] + 1000.0 * place[4] * t + 1.0 - ground) / (70.0 * t + 3.0))
                if seen <= 0.0:
                    break
                t += step
                step *= 1.12
            light[j, i] = clamp(seen, 0.0, 1.0)


@kernel
def _lit(
    heights: NDArray[Any], light: NDArray[Any], place: NDArray[Any], x: float, z: float, far: float
) -> tuple[float, float, float]:
    """Light that leaves the ground at (x, z), seen from `far` km through the air."""
    left = place[0]
    near = place[1]
    span = place[2]
    eps = span / MAP * (0.75 + 0.10 * far)
    h = height_at(heights, x, z, left, near, span)
    nx = height_at(heights, x - eps, z, left, near, span) - height_at(heights, x + eps, z, left, near, span)
    nz = height_at(heights, x, z - eps, left, near, span) - height_at(heights, x, z + eps, left, near, span)
    nx /= 2000.0 * eps
    nz /= 2000.0 * eps
    up = 1.0 / sqrt(nx * nx + nz * nz + 1.0)
    # Rock is textured in planes that slant against the slope (a null direction never within it): no smears on cliffs.
    wide = 6.0 * eps
    u = x
    v = z
    if up < 0.93:
        rises = height_at(heights, x - wide, z, left, near, span) > height_at(heights, x + wide, z, left, near, span)
        u -= 0.001 * h if rises else -0.001 * h
        rises = height_at(heights, x, z - wide, left, near, span) > height_at(heights, x, z + wide, left, near, span)
        v -= 0.001 * h if rises else -0.001 * h
    r, g, b = ground_at(
        x, z, fractal_noise(u * 180.0 / (1.0 + 0.35 * far), v * 180.0 / (1.0 + 0.35 * far), 5, 601), h, up, far
    )
    # Finer than the map: cracks and stones that only tilt the surface.
    fine = 150.0 / (1.0 + 0.30 * far)
    nx += 0.55 * fractal_noise(u * fine, v * fine, 3, 661)
    nz += 0.55 * fractal_noise(u * fine + 5.0, v * fine, 3, 671)
    inverse = 1.0 / sqrt(nx * nx + nz * nz + 1.0)
    sun = max(0.0, (nx * place[3] + place[4] + nz * place[5]) * inverse)
    sun *= height_at(light, x, z, left, near, span)
    dome = 0.26 + 0.10 * inverse
    r *= 1.75 * sun + dome * 0.70
    g *= 1.58 * sun + dome * 0.85
    b *= 1.32 * sun + dome * 1.15
    air = 1.0 - exponential(-far * place[6])
    return mix(r, 0.50, air), mix(g, 0.60, air), mix(b, 0.74, air)


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
        ground = max(height_at(heights, at[0] + dx * t, at[2] + t, place[0], place[1], place[2]), place[14])
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
    again = _hit(heights, place, (x, 0.2, z), side, up, 0.03, 0.05)
    if again > 0.0:
        r, g, b = _lit(heights, light, place, x + side * again, z + again, far + again)
    else:
        r, g, b = sky(side, up)
    glance = 1.0 - clamp(up, 0.0, 1.0)
    mirror = 0.05 + 0.90 * glance * glance * glance * glance * glance
    return mix(0.012, r, mirror), mix(0.040, g, mirror), mix(0.046, b, mirror)


@kernel
def _paint(  # noqa: PLR0915 (the three channels are written out: small arrays are slow in a kernel)
    first: int, end: int, out: NDArray[Any], heights: NDArray[Any], light: NDArray[Any], place: NDArray[Any]
) -> None:
    """Columns first..end, two to four samples a pixel, from the foot up: what is higher in a column is never nearer."""
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
            low = 9.0
            high = 0.0
            what = 0  # 1 sky, 2 water, 3 ground
            count = 0
            for s in range(4):
                sx = x + (0.125, 0.875, 0.625, 0.375)[s]
                sy = y + (0.375, 0.625, 0.875, 0.125)[s]
                dx = (sx - 0.5 * width) / focal
                dy = (place[12] * height - sy) / focal
                before = what
                t = 0.0 if start[s] < 0.0 else _hit(heights, place, eye, dx, dy, start[s], 0.0011)
                if t == 0.0:
                    start[s] = -1.0
                    what = 1
                    if before != 1:  # the sky does not change within a pixel
                        red, green, blue = sky(dx, dy)
                else:
                    start[s] = t
                    px = eye[0] + dx * t
                    pz = eye[2] + t
                    if height_at(heights, px, pz, place[0], place[1], place[2]) < place[14]:
                        what = 2
                        red, green, blue = _water(heights, light, place, px, pz, dx, dy, t)
                    else:
                        what = 3
                        red, green, blue = _lit(heights, light, place, px, pz, t)
                r += red / (1.0 + 0.30 * red)
                g += green / (1.0 + 0.30 * green)
                b += blue / (1.0 + 0.30 * blue)
                low = min(low, green)
                high = max(high, green)
                count += 1
                # Two samples that agree will do; the other two rays will set out from where these arrived.
                if s == 1 and what == before and high < 1.15 * low + 0.005:
                    if start[0] > 0.0:
                        start[2:] = max(start[2], 0.97 * min(start[0], start[1]))
                    break
            r *= 1.2 / count
            g *= 1.2 / count
            b *= 1.2 / count
            out[y, x, 0] = int(sqrt(clamp(r, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 1] = int(sqrt(clamp(g, 0.0, 1.0)) * 255.0 + 0.5)
            out[y, x, 2] = int(sqrt(clamp(b, 0.0, 1.0)) * 255.0 + 0.5)


def _picture(width: int, height: int, place: tuple[float, ...]) -> NDArray[Any]:
    heights = np.empty((MAP, MAP), dtype=np.float64)
    in_bands(fill, MAP, heights, place[0], place[1], place[2])
    numbers = np.array([*place, float(heights.max()), 0.0])
    light = np.empty((MAP, MAP), dtype=np.float64)
    in_bands(_shadows, MAP, light, heights, numbers)
    out = np.empty((height, width, 3), dtype=np.uint8)
    in_bands(_paint, width, out, heights, light, numbers)
    return out


# What the numbers of a picture are: left, near, span of the map (km); direction to the sun x, y, z; haze per km;
# eye x, z (km); reach (km); eye height (m); focal length / width; horizon's row / height; then
# the highest ground (m, found) and the water's level (m).
def lake() -> NDArray[Any]:
    """Mountains, forest and snow round a lake, under clouds."""
    return _picture(3840, 2160, (-6.0, 0.0, 12.0, -0.74, 0.52, -0.43, 0.050, 0.02, 0.55, 11.5, 75.0, 0.80, 0.60))
