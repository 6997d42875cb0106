"""Shading and the camera of the game-like scenes: sun with shadows, sky, haze, one mirrored ray, adaptive sampling.

A world's numbers: direction to the sun x y z, its colour r g b, haze per metre, -, zenith r g b, horizon r g b, where
clouds begin, their seed, the ground's material, the size of its tiles, how much of a mirror it is.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import in_bands, kernel
from rtsr_bench.datasets.builtin.maths import angle, clamp, cosine, exponential, mix, sine, smooth
from rtsr_bench.datasets.builtin.noise import fractal_noise
from rtsr_bench.datasets.builtin.scenes import materials as m
from rtsr_bench.datasets.builtin.scenes.rays import (
    BOX,
    COLUMN,
    GROUND,
    NOTHING,
    SHEET,
    SPHERE,
    Hit,
    Vector,
    World,
    nearest,
    shaded,
)

BRICK, CHECKER, PLANKS, PLASTER, CONCRETE, CRATE, PANEL, FACADE, GRASS, CHROME, IRON, MARBLE = range(12)


@kernel
def _texture(  # noqa: C901, PLR0911 (a table of materials: numba has no table of functions)
    material: int, u: float, v: float, pixel: float, size: float, seed: int
) -> Vector:
    if material == BRICK:
        return m.brick(u, v, pixel, seed)
    if material == CHECKER:
        return m.checker(u, v, pixel, size, seed)
    if material == PLANKS:
        return m.planks(u, v, pixel, seed)
    if material == PLASTER:
        return m.plaster(u, v, pixel, seed)
    if material == CONCRETE:
        return m.concrete(u, v, pixel, seed)
    if material == CRATE:
        return m.crate(u, v, pixel, size, seed)
    if material == PANEL:
        return m.panel(u, v, pixel, seed)
    if material == FACADE:
        return m.facade(u, v, pixel, seed)
    if material == GRASS:
        return m.grass(u, v, pixel, seed)
    if material == MARBLE:
        vein = smooth(0.0, 0.12, abs(fractal_noise(u * 2.3, v * 1.1, 6, seed)))
        return 0.30 + 0.38 * vein, 0.29 + 0.36 * vein, 0.28 + 0.32 * vein
    return 0.10, 0.10, 0.11


@kernel
def sky(world: World, d: Vector) -> Vector:
    """Gradient, clouds and a glow about the sun."""
    n = world[4]
    up = max(d[1], 0.01)
    haze = exponential(-5.0 * up)
    r = mix(n[8], n[11], haze)
    g = mix(n[9], n[12], haze)
    b = mix(n[10], n[13], haze)
    u = d[0] / (up + 0.12)
    v = d[2] / (up + 0.12)
    big = fractal_noise(u * 0.55 + 2.0, v * 0.55, 7, int(n[15]))
    cover = smooth(n[14], n[14] + 0.45, big) * smooth(0.0, 0.12, d[1])
    white = clamp(1.05 - 0.55 * smooth(n[14] + 0.1, n[14] + 0.7, big), 0.3, 1.2)
    glow = clamp(d[0] * n[0] + d[1] * n[1] + d[2] * n[2], 0.0, 1.0)
    glow = glow * glow * glow * glow
    glow = glow * glow * glow
    r = mix(r, white, cover) + 0.35 * glow
    g = mix(g, 0.97 * white, cover) + 0.26 * glow
    b = mix(b, 0.94 * white, cover) + 0.14 * glow
    return r, g, b


@kernel
def _flat(world: World, hit: Hit, p: Vector, d: Vector) -> tuple[Vector, float, float, int, float, int]:
    """Of a box or a sheet at p: normal, texture coordinates, material, size of a tile, seed."""
    boxes = world[0]
    _, kind, index, face = hit
    side = -1.0 if d[face] > 0.0 else 1.0
    normal = (side if face == 0 else 0.0, side if face == 1 else 0.0, side if face == 2 else 0.0)
    u = p[2] if face == 0 else p[0]
    v = p[2] if face == 1 else p[1]
    if kind == SHEET:
        return normal, u, v, IRON, 1.0, 0
    material = int(boxes[index, 6])
    size = boxes[index, 4] - boxes[index, 1]
    if material == CRATE:
        u -= boxes[index, 2] if face == 0 else boxes[index, 0]
        v -= boxes[index, 2] if face == 1 else boxes[index, 1]
    if material == FACADE and face == 1:
        material = CONCRETE
    return normal, u, v, material, size, int(boxes[index, 7])


@kernel
def _curved(world: World, hit: Hit, p: Vector) -> tuple[Vector, float, float, int, float, int]:
    """Of a column or a sphere at p: normal, texture coordinates, material, size of a tile, seed."""
    columns = world[1]
    spheres = world[2]
    _, kind, i, _ = hit
    if kind == SPHERE:
        r = spheres[i, 3]
        normal = ((p[0] - spheres[i, 0]) / r, (p[1] - spheres[i, 1]) / r, (p[2] - spheres[i, 2]) / r)
        return normal, angle(normal[2], normal[0]), 2.0 * normal[1], int(spheres[i, 4]), 1.0, int(spheres[i, 5])
    nx = (p[0] - columns[i, 0]) / columns[i, 2]
    nz = (p[2] - columns[i, 1]) / columns[i, 2]
    turn = angle(nz, nx)
    if int(columns[i, 5]) == MARBLE:  # fluted
        flute = 0.35 * cosine(turn * 20.0)
        nx, nz = nx + flute * nz, nz - flute * nx
    return (nx, 0.0, nz), turn * columns[i, 2], p[1], int(columns[i, 5]), 1.0, int(columns[i, 6])


@kernel
def _mirror(kind: int, material: int, ground: float) -> float:
    """How much of a mirror a surface is, seen head on."""
    if kind == GROUND:
        return ground
    if kind != SPHERE:
        return 0.0
    return 0.80 if material == CHROME else 0.06 if material == MARBLE else 0.0


@kernel
def surface(world: World, o: Vector, d: Vector, hit: Hit, focal: float) -> tuple[Vector, Vector, float]:
    """Light from what was hit (sun with shadow, sky, haze), its normal, and how much of a mirror it is."""
    n = world[4]
    t, kind, _, _ = hit
    p = (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
    normal = (0.0, 1.0, 0.0)
    u = p[0]
    v = p[2]
    material = int(n[16])
    size = n[17]
    seed = 3
    if kind == BOX or kind == SHEET:  # noqa: PLR1714, SIM109 (a comparison is what numba compiles best)
        normal, u, v, material, size, seed = _flat(world, hit, p, d)
    elif kind == COLUMN or kind == SPHERE:  # noqa: PLR1714, SIM109 (as above)
        normal, u, v, material, size, seed = _curved(world, hit, p)
    slope = max(0.10, abs(normal[0] * d[0] + normal[1] * d[1] + normal[2] * d[2]))
    r, g, b = _texture(material, u, v, t / (focal * sqrt(slope)), size, seed)
    sun = normal[0] * n[0] + normal[1] * n[1] + normal[2] * n[2]
    if kind == SHEET:
        sun = 0.45 + 0.3 * abs(sun)
    if sun > 0.0:
        away = (p[0] + 0.001 * normal[0], p[1] + 0.001 * normal[1], p[2] + 0.001 * normal[2])
        if shaded(world, away, (n[0], n[1], n[2]), 1 if kind == SHEET else 0):
            sun = 0.0
    sun = max(sun, 0.0)
    # Sky light: from above more than from below, less near the ground's corners.
    dome = (0.5 + 0.5 * normal[1]) * (1.0 if kind == GROUND else mix(0.62, 1.0, smooth(0.0, 1.1, p[1])))
    bounce = 0.10 * (1.0 - normal[1])
    r *= n[3] * sun + 0.34 * dome + bounce * 1.15
    g *= n[4] * sun + 0.42 * dome + bounce
    b *= n[5] * sun + 0.56 * dome + bounce * 0.85
    haze = 1.0 - exponential(-t * n[6])
    mirror = _mirror(kind, material, n[18]) * (1.0 - haze)
    return (mix(r, n[11], haze), mix(g, n[12], haze), mix(b, n[13], haze)), normal, mirror


@kernel
def light_along(world: World, o: Vector, d: Vector, focal: float) -> Vector:
    """What is seen along a ray, with one reflection."""
    hit = nearest(world, o, d)
    if hit[1] == NOTHING:
        return sky(world, d)
    colour, normal, mirror = surface(world, o, d, hit, focal)
    if mirror < 0.01:
        return colour
    nd = d[0] * normal[0] + d[1] * normal[1] + d[2] * normal[2]
    bright = 1.0 + nd  # grazing is 1
    part = mirror + (1.0 - mirror) * bright * bright * bright * bright * bright * min(1.0, 9.0 * mirror)
    t = hit[0]
    start = (
        o[0] + t * d[0] + 0.001 * normal[0],
        o[1] + t * d[1] + 0.001 * normal[1],
        o[2] + t * d[2] + 0.001 * normal[2],
    )
    turned = (d[0] - 2.0 * nd * normal[0], d[1] - 2.0 * nd * normal[1], d[2] - 2.0 * nd * normal[2])
    again = nearest(world, start, turned)
    if again[1] == NOTHING:
        seen = sky(world, turned)
    else:
        seen, _, _ = surface(world, start, turned, again, 0.35 * focal)
    return mix(colour[0], seen[0], part), mix(colour[1], seen[1], part), mix(colour[2], seen[2], part)


@kernel
def _paint(first: int, end: int, out: NDArray[Any], world: World, camera: NDArray[Any]) -> None:
    """Two samples a pixel; eight where these, or its neighbour, differ.

    camera: eye, right, up, forward (3 numbers each), focal length / width.
    """
    height, width, _ = out.shape
    focal = camera[12] * width
    o = (camera[0], camera[1], camera[2])
    shades = np.empty(3)
    for y in range(first, end):
        left_of_it = 0.0
        for x in range(width):
            shades[:] = 0.0
            low = 9.0
            high = 0.0
            count = 0
            for k in range(8):
                # Every second cell of a 4 x 4 grid; two far from each other come first.
                place = 0 if k == 0 else 7 if k == 1 else k - 1
                i = place >> 1
                j = 2 * (place & 1) + 1 - (i & 1)
                if k == 2:
                    mean = 0.5 * (low + high)
                    if high - low < 0.06 and abs(mean - left_of_it) < 0.10:
                        break
                sx = (x + 0.125 + 0.25 * i - 0.5 * width) / focal
                sy = (0.5 * height - y - 0.125 - 0.25 * j) / focal
                dx = camera[9] + sx * camera[3] + sy * camera[6]
                dy = camera[10] + sx * camera[4] + sy * camera[7]
                dz = camera[11] + sx * camera[5] + sy * camera[8]
                scale = 1.0 / sqrt(dx * dx + dy * dy + dz * dz)
                r, g, b = light_along(world, o, (dx * scale, dy * scale, dz * scale), focal)
                # A soft shoulder, then the square root as display curve.
                r = min(1.0, 1.18 * r / (1.0 + 0.28 * r))
                g = min(1.0, 1.18 * g / (1.0 + 0.28 * g))
                b = min(1.0, 1.18 * b / (1.0 + 0.28 * b))
                shades[0] += r
                shades[1] += g
                shades[2] += b
                grey = sqrt(max(0.0, 0.3 * r + 0.6 * g + 0.1 * b))
                low = min(low, grey)
                high = max(high, grey)
                count += 1
            left_of_it = 0.5 * (low + high)
            for c in range(3):
                out[y, x, c] = int(sqrt(clamp(shades[c] / count, 0.0, 1.0)) * 255.0 + 0.5)


def camera(eye: Vector, yaw: float, pitch: float, focal: float) -> NDArray[np.float64]:
    """An eye that looks along +z, turned right by yaw and up by pitch (radians)."""
    cy, sy, cp, sp = cosine(yaw), sine(yaw), cosine(pitch), sine(pitch)
    return np.array([*eye, cy, 0.0, -sy, -sy * sp, cp, -cy * sp, sy * cp, sp, cy * cp, focal])


def trace(width: int, height: int, world: World, view: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The picture of a world."""
    out = np.empty((height, width, 3), dtype=np.uint8)
    in_bands(_paint, height, out, world, view, rows=24)
    return out
