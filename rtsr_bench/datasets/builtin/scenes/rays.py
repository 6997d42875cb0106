"""What a ray meets: the ground, boxes, columns, spheres, and sheets with holes (fences, wires, masts).

Metres, y up, the ground is y = 0. A world is eight arrays: boxes x0 y0 z0 x1 y1 z1 material seed; columns x z radius y0
y1 material seed; spheres x y z radius material seed; sheets axis (0: x is constant, 2: z is) position a0 a1 y0 y1
pattern pitch, where a runs along the other axis; numbers (see `tracer`); and bounds of groups of boxes, of columns and
of sheets, x0 y0 z0 x1 y1 z1 first end.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.kernels import inlined, kernel
from rtsr_bench.datasets.builtin.maths import TAU, floor, sine

LINKS, BARS, WIRE, LATTICE = range(4)
NOTHING, GROUND, BOX, COLUMN, SPHERE, SHEET = range(6)
NEAR = 1.0e-5
FAR = 1.0e9

Vector = tuple[float, float, float]
World = tuple[Any, ...]
Hit = tuple[float, int, int, int]
"""Distance, kind, index in the kind's array, and face (0, 1, 2: across x, y, z)."""


@kernel
def _solid(pattern: int, a: float, y: float, sheet: NDArray[Any]) -> bool:
    """Whether a sheet has material at (a, y)."""
    pitch = sheet[7]
    if pattern == LINKS:
        u = (a + y) / pitch
        v = (a - y) / pitch
        u += 0.10 * sine(TAU * v)
        v += 0.10 * sine(TAU * u)
        rail = y - sheet[4] < 0.03 or sheet[5] - y < 0.04
        return bool(rail or abs(u - floor(u) - 0.5) < 0.055 or abs(v - floor(v) - 0.5) < 0.055)
    if pattern == BARS:
        u = a / pitch
        rail = abs(y - sheet[4] - 0.12) < 0.025 or abs(sheet[5] - y - 0.16) < 0.025
        return bool(rail or abs(u - floor(u) - 0.5) < 0.11)
    if pattern == WIRE:  # hangs as a parabola
        t = (a - sheet[2]) / (sheet[3] - sheet[2])
        return bool(abs(y - sheet[4] - 0.03 - 4.0 * (sheet[5] - sheet[4] - 0.06) * (t - 0.5) * (t - 0.5)) < pitch)
    # A lattice: two chords, crossed braces between.
    u = (a - sheet[2]) / (sheet[3] - sheet[2])
    v = y / pitch
    v -= floor(v)
    return bool(u < 0.09 or u > 0.91 or abs(u - v) < 0.07 or abs(1.0 - u - v) < 0.07 or v < 0.05)


@inlined
def _misses(bounds: NDArray[Any], i: int, o: Vector, inverse: Vector, best: float) -> bool:
    """Whether a ray passes by the box round group i, or comes to it only after `best`."""
    xa = (bounds[i, 0] - o[0]) * inverse[0]
    xb = (bounds[i, 3] - o[0]) * inverse[0]
    ya = (bounds[i, 1] - o[1]) * inverse[1]
    yb = (bounds[i, 4] - o[1]) * inverse[1]
    za = (bounds[i, 2] - o[2]) * inverse[2]
    zb = (bounds[i, 5] - o[2]) * inverse[2]
    enter = min(xb, xa)
    leave = max(xa, xb)
    enter = max(enter, min(yb, ya))
    leave = min(leave, max(ya, yb))
    enter = max(enter, min(zb, za))
    leave = min(leave, max(za, zb))
    return bool(enter > leave or leave < 0.0 or enter > best)


@inlined
def _boxes(boxes: NDArray[Any], groups: NDArray[Any], o: Vector, inverse: Vector, hit: Hit) -> Hit:
    best, kind, index, face = hit
    for j in range(groups.shape[0]):
        if _misses(groups, j, o, inverse, best):
            continue
        for i in range(int(groups[j, 6]), int(groups[j, 7])):
            xa = (boxes[i, 0] - o[0]) * inverse[0]
            xb = (boxes[i, 3] - o[0]) * inverse[0]
            ya = (boxes[i, 1] - o[1]) * inverse[1]
            yb = (boxes[i, 4] - o[1]) * inverse[1]
            za = (boxes[i, 2] - o[2]) * inverse[2]
            zb = (boxes[i, 5] - o[2]) * inverse[2]
            x0 = min(xb, xa)
            y0 = min(yb, ya)
            enter = max(x0, y0)
            enter = max(enter, min(zb, za))
            leave = min(max(xa, xb), max(ya, yb))
            leave = min(leave, max(za, zb))
            if enter < leave and NEAR < enter < best:
                best = enter
                kind = BOX
                index = i
                face = 0 if enter == x0 else 1 if enter == y0 else 2
    return best, kind, index, face


@inlined
def _columns(columns: NDArray[Any], groups: NDArray[Any], o: Vector, d: Vector, inverse: Vector, hit: Hit) -> Hit:
    a = d[0] * d[0] + d[2] * d[2]
    if a < 1.0e-12:
        return hit
    for j in range(groups.shape[0]):
        if _misses(groups, j, o, inverse, hit[0]):
            continue
        for i in range(int(groups[j, 6]), int(groups[j, 7])):
            px = o[0] - columns[i, 0]
            pz = o[2] - columns[i, 1]
            b = px * d[0] + pz * d[2]
            q = b * b - a * (px * px + pz * pz - columns[i, 2] * columns[i, 2])
            if q > 0.0:
                t = (-b - sqrt(q)) / a
                if NEAR < t < hit[0] and columns[i, 3] <= o[1] + t * d[1] <= columns[i, 4]:
                    hit = (t, COLUMN, i, 0)
    return hit


@inlined
def _spheres(spheres: NDArray[Any], o: Vector, d: Vector, hit: Hit) -> Hit:
    for i in range(spheres.shape[0]):
        px = o[0] - spheres[i, 0]
        py = o[1] - spheres[i, 1]
        pz = o[2] - spheres[i, 2]
        b = px * d[0] + py * d[1] + pz * d[2]
        q = b * b - (px * px + py * py + pz * pz - spheres[i, 3] * spheres[i, 3])
        if q > 0.0:
            t = -b - sqrt(q)
            if NEAR < t < hit[0]:
                hit = (t, SPHERE, i, 0)
    return hit


@inlined
def _sheets(sheets: NDArray[Any], groups: NDArray[Any], o: Vector, d: Vector, inverse: Vector, hit: Hit) -> Hit:
    for j in range(groups.shape[0]):
        if _misses(groups, j, o, inverse, hit[0]):
            continue
        for i in range(int(groups[j, 6]), int(groups[j, 7])):
            across = sheets[i, 0] == 0.0
            t = (sheets[i, 1] - o[0]) * inverse[0] if across else (sheets[i, 1] - o[2]) * inverse[2]
            if NEAR < t < hit[0]:
                y = o[1] + t * d[1]
                a = o[2] + t * d[2] if across else o[0] + t * d[0]
                inside = sheets[i, 4] <= y <= sheets[i, 5] and sheets[i, 2] <= a <= sheets[i, 3]
                if inside and _solid(int(sheets[i, 6]), a, y, sheets[i]):
                    hit = (t, SHEET, i, 0 if across else 2)
    return hit


@kernel
def _inverse(d: Vector) -> Vector:
    """One over a direction; a tiny number stands for 0."""
    ix = 1.0 / (d[0] if abs(d[0]) > 1.0e-12 else 1.0e-12)
    iy = 1.0 / (d[1] if abs(d[1]) > 1.0e-12 else 1.0e-12)
    iz = 1.0 / (d[2] if abs(d[2]) > 1.0e-12 else 1.0e-12)
    return ix, iy, iz


@kernel
def nearest(world: World, o: Vector, d: Vector) -> Hit:
    """What a ray from o along d (of length 1) meets first."""
    hit = (FAR, NOTHING, 0, 1)
    if d[1] < -1.0e-9 and o[1] > 1.0e-6:
        hit = (-o[1] / d[1], GROUND, 0, 1)
    inverse = _inverse(d)
    hit = _boxes(world[0], world[5], o, inverse, hit)
    hit = _columns(world[1], world[6], o, d, inverse, hit)
    hit = _spheres(world[2], o, d, hit)
    return _sheets(world[3], world[7], o, d, inverse, hit)


@kernel
def shaded(world: World, o: Vector, d: Vector, on_sheet: int) -> bool:
    """Whether anything stands between o and the sun; sheets throw no shadow on sheets (`on_sheet` not 0)."""
    inverse = _inverse(d)
    hit = _boxes(world[0], world[5], o, inverse, (FAR, NOTHING, 0, 1))
    if hit[1] == NOTHING:
        hit = _columns(world[1], world[6], o, d, inverse, hit)
    if hit[1] == NOTHING:
        hit = _spheres(world[2], o, d, hit)
    if hit[1] == NOTHING and on_sheet == 0:
        hit = _sheets(world[3], world[7], o, d, inverse, hit)
    return hit[1] != NOTHING
