"""A small ray tracer for the game-like scenes: ground, boxes, columns, spheres, and sheets with holes (fences, wires).

Metres, y up. A scene is four arrays and a few numbers, so that scenes differ in what stands where, not in code:
boxes x0 y0 z0 x1 y1 z1 material seed; columns x z radius y0 y1 material seed; spheres x y z radius material seed;
sheets axis (0: x is constant, 2: z is) position a0 a1 y0 y1 pattern pitch, where a runs along the other axis.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import in_bands, kernel
from rtsr_bench.datasets.builtin.maths import angle, clamp, cosine, exponential, floor, mix, sine, smooth
from rtsr_bench.datasets.builtin.noise import fractal_noise
from rtsr_bench.datasets.builtin.scenes import materials as m

BRICK, CHECKER, PLANKS, PLASTER, CONCRETE, CRATE, PANEL, FACADE, GRASS, CHROME, IRON, MARBLE = range(12)
LINKS, BARS, WIRE, LATTICE = range(4)
NOTHING, GROUND, BOX, COLUMN, SPHERE, SHEET = range(6)
FAR = 1.0e9

Vector = tuple[float, float, float]
World = tuple[Any, ...]  # boxes, columns, spheres, sheets, numbers, groups of boxes, groups of columns


@kernel
def _solid(pattern: int, a: float, y: float, sheet: NDArray[Any]) -> bool:
    """Whether a sheet has material at (a, y)."""
    pitch = sheet[7]
    if pattern == LINKS:
        u = (a + y) / pitch
        v = (a - y) / pitch
        u += 0.10 * sine(6.283185307179586 * v)
        v += 0.10 * sine(6.283185307179586 * u)
        rail = y - sheet[4] < 0.03 or sheet[5] - y < 0.04
        return rail or abs(u - floor(u) - 0.5) < 0.055 or abs(v - floor(v) - 0.5) < 0.055
    if pattern == BARS:
        u = a / pitch
        rail = abs(y - sheet[4] - 0.12) < 0.025 or abs(sheet[5] - y - 0.16) < 0.025
        return rail or abs(u - floor(u) - 0.5) < 0.11
    if pattern == WIRE:
        t = (a - sheet[2]) / (sheet[3] - sheet[2])
        return abs(y - sheet[4] - 0.03 - 4.0 * (sheet[5] - sheet[4] - 0.06) * (t - 0.5) * (t - 0.5)) < pitch
    # A lattice: two chords, crossed braces between.
    u = (a - sheet[2]) / (sheet[3] - sheet[2])
    v = y / pitch
    v -= floor(v)
    return u < 0.09 or u > 0.91 or abs(u - v) < 0.07 or abs(1.0 - u - v) < 0.07 or v < 0.05


@kernel
def _misses(bounds: NDArray[Any], o: Vector, ix: float, iy: float, iz: float, best: float) -> bool:
    """Whether a ray (reciprocal direction ix, iy, iz) passes by the box round a group, or meets it only after `best`."""
    xa = (bounds[0] - o[0]) * ix
    xb = (bounds[3] - o[0]) * ix
    ya = (bounds[1] - o[1]) * iy
    yb = (bounds[4] - o[1]) * iy
    za = (bounds[2] - o[2]) * iz
    zb = (bounds[5] - o[2]) * iz
    enter = max(max(min(xa, xb), min(ya, yb)), min(za, zb))
    leave = min(min(max(xa, xb), max(ya, yb)), max(za, zb))
    return enter > leave or leave < 0.0 or enter > best


@kernel
def nearest(world: World, o: Vector, d: Vector, limit: float) -> tuple[float, int, int, int]:
    """Distance, kind, index and face (0, 1, 2: x, y, z) of what a ray meets first before `limit`."""
    boxes, columns, spheres, sheets, _, box_groups, column_groups = world
    best = limit
    kind = NOTHING
    index = 0
    face = 1
    if d[1] < -1.0e-9 and -o[1] / d[1] < best and o[1] > 1.0e-6:
        best = -o[1] / d[1]
        kind = GROUND
    ix = 1.0 / (d[0] if abs(d[0]) > 1.0e-12 else 1.0e-12)
    iy = 1.0 / (d[1] if abs(d[1]) > 1.0e-12 else 1.0e-12)
    iz = 1.0 / (d[2] if abs(d[2]) > 1.0e-12 else 1.0e-12)
    for j in range(box_groups.shape[0]):
        if _misses(box_groups[j], o, ix, iy, iz, best):
            continue
        for i in range(int(box_groups[j, 6]), int(box_groups[j, 7])):
            xa = (boxes[i, 0] - o[0]) * ix
            xb = (boxes[i, 3] - o[0]) * ix
            ya = (boxes[i, 1] - o[1]) * iy
            yb = (boxes[i, 4] - o[1]) * iy
            za = (boxes[i, 2] - o[2]) * iz
            zb = (boxes[i, 5] - o[2]) * iz
            x0 = min(xa, xb)
            y0 = min(ya, yb)
            z0 = min(za, zb)
            enter = max(max(x0, y0), z0)
            leave = min(min(max(xa, xb), max(ya, yb)), max(za, zb))
            if enter < leave and 1.0e-5 < enter < best:
                best = enter
                kind = BOX
                index = i
                face = 0 if enter == x0 else 1 if enter == y0 else 2
    for j in range(column_groups.shape[0]):
        if _misses(column_groups[j], o, ix, iy, iz, best):
            continue
        for i in range(int(column_groups[j, 6]), int(column_groups[j, 7])):
            px = o[0] - columns[i, 0]
            pz = o[2] - columns[i, 1]
            a = d[0] * d[0] + d[2] * d[2]
            b = px * d[0] + pz * d[2]
            q = b * b - a * (px * px + pz * pz - columns[i, 2] * columns[i, 2])
            if q > 0.0 and a > 1.0e-12:
                t = (-b - sqrt(q)) / a
                y = o[1] + t * d[1]
                if 1.0e-5 < t < best and columns[i, 3] <= y <= columns[i, 4]:
                    best = t
                    kind = COLUMN
                    index = i
    for i in range(spheres.shape[0]):
        px = o[0] - spheres[i, 0]
        py = o[1] - spheres[i, 1]
        pz = o[2] - spheres[i, 2]
        b = px * d[0] + py * d[1] + pz * d[2]
        q = b * b - (px * px + py * py + pz * pz - spheres[i, 3] * spheres[i, 3])
        if q > 0.0:
            t = -b - sqrt(q)
            if 1.0e-5 < t < best:
                best = t
                kind = SPHERE
                index = i
    for i in range(sheets.shape[0]):
        across = sheets[i, 0] == 0.0
        t = (sheets[i, 1] - o[0]) * ix if across else (sheets[i, 1] - o[2]) * iz
        if 1.0e-5 < t < best:
            y = o[1] + t * d[1]
            a = o[2] + t * d[2] if across else o[0] + t * d[0]
            if sheets[i, 4] <= y <= sheets[i, 5] and sheets[i, 2] <= a <= sheets[i, 3]:
                if _solid(int(sheets[i, 6]), a, y, sheets[i]):
                    best = t
                    kind = SHEET
                    index = i
                    face = 0 if across else 2
    return best, kind, index, face


@kernel
def _texture(material: int, u: float, v: float, pixel: float, size: float, seed: int) -> Vector:
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
def surface(
    world: World, o: Vector, d: Vector, hit: tuple[float, int, int, int], focal: float
) -> tuple[Vector, Vector, float]:
    """Light from what was hit (sun with shadow, sky, haze), its normal, and how much of a mirror it is."""
    boxes, columns, spheres, sheets, n, _, _ = world
    t, kind, index, face = hit
    px = o[0] + t * d[0]
    py = o[1] + t * d[1]
    pz = o[2] + t * d[2]
    nx = 0.0
    ny = 0.0
    nz = 0.0
    u = px
    v = pz
    material = int(n[16])
    size = n[17]
    seed = 3
    mirror = 0.0
    if kind == GROUND:
        ny = 1.0
        mirror = n[18]
    elif kind == BOX or kind == SHEET:
        if face == 0:
            nx = -1.0 if d[0] > 0.0 else 1.0
            u, v = pz, py
        elif face == 1:
            ny = -1.0 if d[1] > 0.0 else 1.0
        else:
            nz = -1.0 if d[2] > 0.0 else 1.0
            u, v = px, py
        material = IRON
        if kind == BOX:
            material = int(boxes[index, 6])
            seed = int(boxes[index, 7])
            if material == CRATE:
                size = boxes[index, 4] - boxes[index, 1]
                u -= boxes[index, 2] if face == 0 else boxes[index, 0]
                v -= boxes[index, 2] if face == 1 else boxes[index, 1]
            if material == FACADE and face == 1:
                material = CONCRETE
    elif kind == COLUMN:
        nx = (px - columns[index, 0]) / columns[index, 2]
        nz = (pz - columns[index, 1]) / columns[index, 2]
        u, v = angle(nz, nx) * columns[index, 2], py
        material = int(columns[index, 5])
        seed = int(columns[index, 6])
        if material == MARBLE:  # fluted
            flute = cosine(angle(nz, nx) * 20.0)
            nx, nz = nx + 0.35 * flute * nz, nz - 0.35 * flute * nx
    else:
        nx = (px - spheres[index, 0]) / spheres[index, 3]
        ny = (py - spheres[index, 1]) / spheres[index, 3]
        nz = (pz - spheres[index, 2]) / spheres[index, 3]
        u, v = angle(nz, nx), 2.0 * ny
        material = int(spheres[index, 4])
        seed = int(spheres[index, 5])
        mirror = 0.80 if material == CHROME else 0.06 if material == MARBLE else 0.0
    slope = max(0.10, abs(nx * d[0] + ny * d[1] + nz * d[2]))
    pixel = t / (focal * sqrt(slope))
    r, g, b = _texture(material, u, v, pixel, size, seed)
    sun = nx * n[0] + ny * n[1] + nz * n[2]
    if kind == SHEET:
        sun = 0.45 + 0.3 * abs(sun)
    if sun > 0.0:
        away = (px + 0.001 * nx, py + 0.001 * ny, pz + 0.001 * nz)
        blocked = nearest(world, away, (n[0], n[1], n[2]), FAR)
        if blocked[1] != NOTHING and not (kind == SHEET and blocked[1] == SHEET):
            sun = 0.0
    sun = max(sun, 0.0)
    # Sky light: from above more than from below, less near the ground's corners.
    dome = (0.5 + 0.5 * ny) * (1.0 if kind == GROUND else mix(0.62, 1.0, smooth(0.0, 1.1, py)))
    bounce = 0.10 * (1.0 - ny)
    r *= n[3] * sun + 0.34 * dome + bounce * 1.15
    g *= n[4] * sun + 0.42 * dome + bounce
    b *= n[5] * sun + 0.56 * dome + bounce * 0.85
    haze = 1.0 - exponential(-t * n[6])
    return (mix(r, n[11], haze), mix(g, n[12], haze), mix(b, n[13], haze)), (nx, ny, nz), mirror * (1.0 - haze)


@kernel
def light_along(world: World, o: Vector, d: Vector, focal: float) -> Vector:
    """What is seen along a ray, with one reflection."""
    hit = nearest(world, o, d, FAR)
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
    again = nearest(world, start, turned, FAR)
    if again[1] == NOTHING:
        seen = sky(world, turned)
    else:
        seen, _, _ = surface(world, start, turned, again, 0.35 * focal)
    return mix(colour[0], seen[0], part), mix(colour[1], seen[1], part), mix(colour[2], seen[2], part)


@kernel
def _paint(first: int, end: int, out: NDArray[Any], world: World, camera: NDArray[Any]) -> None:
    """Four samples a pixel; sixteen where these differ. camera: eye, right, up, forward (3 numbers each), focal / width."""
    height, width, _ = out.shape
    focal = camera[12] * width
    o = (camera[0], camera[1], camera[2])
    shades = np.empty(3)
    for y in range(first, end):
        for x in range(width):
            shades[:] = 0.0
            low = 9.0
            high = 0.0
            count = 0
            for k in range(20):
                # The first four cells of a 4 x 4 grid are one of each row and column; then, where needed, the rest.
                i = k if k < 4 else (k - 4) & 3
                j = (2 * k + 1) % 5 if k < 4 else (k - 4) >> 2
                if k == 4 and high - low < 0.10:
                    break
                if k >= 4 and j == (2 * i + 1) % 5:
                    continue
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
