"""Noise from integer hashing: no random generator, no table from a library, the same on every machine.

Integers stay below 2**63 (32-bit state times a 31-bit constant), so Python's and a compiler's arithmetic agree.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from rtsr_bench.datasets.builtin.kernels import kernel
from rtsr_bench.datasets.builtin.maths import floor

MASK = 0xFFFFFFFF

# Sixteen directions, tables because branches on random bits are slow; tan(pi / 8) = 0.4142135623730951.
_SHAPES = ((1.0, 0.4142135623730951), (0.4142135623730951, 1.0), (0.75, 0.75), (0.25, 1.0))
GRADIENT_X = np.array([(1.0 if h & 1 else -1.0) * _SHAPES[h >> 2][0] for h in range(16)])
GRADIENT_Y = np.array([(1.0 if h & 2 else -1.0) * _SHAPES[h >> 2][1] for h in range(16)])


@kernel
def hashed(x: int, y: int, seed: int) -> int:
    """32 well mixed bits of a lattice point (|x|, |y| < 2**31)."""
    h = (x * 374761393 + y * 668265263 + seed * 1274126177 + 974711) & MASK
    h = ((h ^ (h >> 15)) * 739982445) & MASK
    h = ((h ^ (h >> 12)) * 695872825) & MASK
    h = ((h ^ (h >> 13)) * 1274126177) & MASK
    return h ^ (h >> 16)


@kernel
def uniform(x: int, y: int, seed: int) -> float:
    """A number in [0, 1) for a lattice point."""
    return hashed(x, y, seed) / 4294967296.0


@kernel
def _slope(h: int, dx: float, dy: float) -> float:
    """Scalar product of one of 16 gradients with (dx, dy)."""
    return float(GRADIENT_X[h & 15] * dx + GRADIENT_Y[h & 15] * dy)


@kernel
def gradient_noise(x: float, y: float, seed: int) -> float:
    """Perlin's gradient noise with the fifth-degree blend; about -0.8 to 0.8, mean 0 (Perlin 2002, own gradients)."""
    ix = floor(x)
    iy = floor(y)
    fx = x - ix
    fy = y - iy
    u = fx * fx * fx * (fx * (fx * 6.0 - 15.0) + 10.0)
    v = fy * fy * fy * (fy * (fy * 6.0 - 15.0) + 10.0)
    a = _slope(hashed(ix, iy, seed), fx, fy)
    b = _slope(hashed(ix + 1, iy, seed), fx - 1.0, fy)
    c = _slope(hashed(ix, iy + 1, seed), fx, fy - 1.0)
    d = _slope(hashed(ix + 1, iy + 1, seed), fx - 1.0, fy - 1.0)
    top = a + (b - a) * u
    return top + (c + (d - c) * u - top) * v


@kernel
def fractal_noise(x: float, y: float, octaves: int, seed: int) -> float:
    """Sum of `octaves` gradient noises, each twice as fine, half as strong and turned by atan(3/4); about -1 to 1."""
    total = 0.0
    weight = 1.0
    for i in range(octaves):
        total += weight * gradient_noise(x, y, seed + i)
        weight *= 0.5
        x, y = 1.6 * x - 1.2 * y + 11.3, 1.2 * x + 1.6 * y - 7.7
    return total


@kernel
def ridged_noise(x: float, y: float, octaves: int, seed: int) -> float:
    """Ridges where the noise crosses zero, finer ones upon higher ground (Musgrave's ridged multifractal); 0 to 1.5."""
    total = 0.0
    weight = 0.5
    ground = 1.0
    for i in range(octaves):
        ridge = 1.0 - 1.4 * abs(gradient_noise(x, y, seed + i))
        ridge = ridge * ridge * ground
        total += weight * ridge
        ground = min(1.0, ridge * 1.6)
        weight *= 0.5
        x, y = 1.6 * x - 1.2 * y + 5.1, 1.2 * x + 1.6 * y - 3.7
    return total


@kernel
def cells(x: float, y: float, seed: int) -> tuple[float, float, int]:
    """Worley noise: distances to the nearest and second nearest of jittered lattice points, and the nearest's hash."""
    ix = floor(x)
    iy = floor(y)
    first = 1e9
    second = 1e9
    owner = 0
    for j in range(-1, 2):
        for i in range(-1, 2):
            h = hashed(ix + i, iy + j, seed)
            dx = ix + i + 0.1 + 0.8 * ((h & 0xFFFF) / 65536.0) - x
            dy = iy + j + 0.1 + 0.8 * ((h >> 16) / 65536.0) - y
            d = dx * dx + dy * dy
            if d < first:
                second = first
                first = d
                owner = h
            elif d < second:
                second = d
    return sqrt(first), sqrt(second), owner
