"""What surfaces of the 3D scenes look like: bricks, tiles, planks, plaster, panels, all by formula, in linear light.

Each function takes surface coordinates in metres and the size of a pixel there, beyond which detail fades (as mip maps
do), and returns red, green, blue and a height in 0..1 that shadows the joints.
"""

from __future__ import annotations

from rtsr_bench.datasets.builtin.kernels import kernel
from rtsr_bench.datasets.builtin.maths import clamp, floor, mix, smooth
from rtsr_bench.datasets.builtin.noise import fractal_noise, gradient_noise, uniform

Rgb = tuple[float, float, float]


@kernel
def _detail(size: float, pixel: float) -> float:
    """1 where features of `size` span more than about three pixels, 0 where they are finer than one."""
    return smooth(0.8, 3.0, size / pixel)


@kernel
def _joint(x: float, width: float, pixel: float) -> float:
    """1 on the surface, 0 in a joint of `width` about the whole numbers of x, as soft as a pixel."""
    d = x - floor(x)
    d = min(d, 1.0 - d)
    soft = max(pixel, 0.012)
    return smooth(0.5 * width - soft * 0.5, 0.5 * width + soft, d)


@kernel
def brick(u: float, v: float, pixel: float, seed: int) -> Rgb:
    """Running bond, 24 x 8 cm, pale joints, every brick of its own colour."""
    row = v / 0.08
    j = floor(row)
    column = u / 0.24 + (0.5 if j & 1 else 0.0)
    i = floor(column)
    face = _joint(column, 0.05, pixel / 0.24) * _joint(row, 0.15, pixel / 0.08)
    own = _detail(0.16, pixel)
    tone = mix(0.5, uniform(i, j, seed), own)
    grain = fractal_noise(u * 38.0, v * 38.0, 3, seed + 3) * _detail(0.03, pixel)
    stain = fractal_noise(u * 0.9, v * 0.6, 4, seed + 5)
    shade = (0.72 + 0.62 * tone) * (1.0 + 0.38 * grain) * (1.0 + 0.32 * stain)
    face = mix(0.86, face, own)
    r = mix(0.34 + 0.05 * grain, 0.270 * shade, face)
    g = mix(0.31 + 0.05 * grain, (0.080 + 0.030 * tone) * shade, face)
    b = mix(0.27 + 0.04 * grain, 0.048 * shade, face)
    return r, g, b


@kernel
def checker(u: float, v: float, pixel: float, size: float, seed: int) -> Rgb:
    """Polished tiles in two colours with veins and fine joints."""
    i = floor(u / size)
    j = floor(v / size)
    clear = _detail(size, pixel)
    dark = mix(0.5, 1.0 if (i + j) & 1 else 0.0, clear)
    vein = fractal_noise(u * 2.1 + i * 3.7, v * 2.1 + j * 5.1, 5, seed)
    line = smooth(0.0, 0.09, abs(vein))
    tone = 1.0 + 0.16 * fractal_noise(u * 6.0, v * 6.0, 3, seed + 9) * _detail(0.2, pixel)
    tone *= mix(1.0, 0.86 + 0.28 * uniform(i, j, seed + 2), clear)
    gap = _joint(u / size, 0.012, pixel / size) * _joint(v / size, 0.012, pixel / size)
    gap = mix(1.0, mix(0.35, 1.0, gap), _detail(size * 0.2, pixel))
    light = 0.60 * tone * mix(0.72, 1.0, line)
    deep = 0.055 * tone + 0.10 * (1.0 - line)
    return mix(light, deep, dark) * gap, mix(light * 0.93, deep * 0.95, dark) * gap, mix(light * 0.80, deep, dark) * gap


@kernel
def planks(u: float, v: float, pixel: float, seed: int) -> Rgb:
    """Boards 14 cm wide along u, with grain, knots of darker rings, and gaps."""
    row = v / 0.14
    j = floor(row)
    shift = 7.0 * uniform(j, 1, seed)
    i = floor((u + shift) / 2.4)
    tone = 0.75 + 0.5 * uniform(i, j, seed + 1)
    wave = fractal_noise(u * 0.8 + 13.0 * j, v * 5.0, 3, seed + 2)
    rings = gradient_noise(u * 1.3 + 5.0 * j, (row + 0.9 * wave) * 9.0, seed + 3) * _detail(0.02, pixel)
    fibre = gradient_noise(u * 9.0, v * 240.0, seed + 4) * _detail(0.006, pixel)
    shade = tone * (1.0 + 0.40 * rings + 0.25 * fibre + 0.2 * wave)
    gap = _joint(row, 0.05, pixel / 0.14) * _joint((u + shift) / 2.4, 0.004, pixel / 2.4)
    shade *= mix(0.8, mix(0.16, 1.0, gap), _detail(0.06, pixel))
    return 0.300 * shade, 0.170 * shade, 0.082 * shade


@kernel
def plaster(u: float, v: float, pixel: float, seed: int) -> Rgb:
    """Weathered lime: blotches, fine grain, cracks."""
    blotch = fractal_noise(u * 0.7, v * 0.7, 5, seed)
    grain = fractal_noise(u * 30.0, v * 30.0, 3, seed + 1) * _detail(0.04, pixel)
    crack = abs(fractal_noise(u * 1.1 + 4.0, v * 1.1, 6, seed + 2))
    shade = (1.0 + 0.28 * blotch + 0.20 * grain) * mix(0.62, 1.0, smooth(0.0, 0.018 + pixel, crack))
    return 0.56 * shade, 0.47 * shade, 0.33 * shade


@kernel
def concrete(u: float, v: float, pixel: float, seed: int) -> Rgb:
    """Slabs of 1.2 m with pores and drips."""
    pores = fractal_noise(u * 22.0, v * 22.0, 4, seed) * _detail(0.05, pixel)
    drip = fractal_noise(u * 3.0, v * 0.35, 4, seed + 1)
    joint = _joint(u / 1.2, 0.014, pixel / 1.2) * _joint(v / 1.2, 0.014, pixel / 1.2)
    shade = (1.0 + 0.28 * pores + 0.26 * drip) * mix(0.45, 1.0, joint)
    return 0.30 * shade, 0.30 * shade, 0.29 * shade


@kernel
def crate(u: float, v: float, pixel: float, size: float, seed: int) -> Rgb:
    """A wooden box's face: boards in a frame, a brace from corner to corner."""
    a = u / size - floor(u / size)
    b = v / size - floor(v / size)
    edge = min(a, 1.0 - a, b, 1.0 - b)
    soft = max(pixel / size, 0.004)
    if edge < 0.12:
        r, g, bl = planks(v if min(a, 1.0 - a) < min(b, 1.0 - b) else u, edge * size, pixel, seed + 5)
        shade = 1.15 * mix(0.4, 1.0, smooth(0.0, 2.0 * soft, 0.12 - edge))
        return r * shade, g * shade, bl * shade
    if abs(a - b) < 0.085:
        r, g, bl = planks((u + v) * 0.707, (a - b) * size + 0.07, pixel, seed + 9)
        shade = 1.05 * mix(0.4, 1.0, smooth(0.0, 2.0 * soft, 0.085 - abs(a - b)))
        return r * shade, g * shade, bl * shade
    r, g, bl = planks(u, v, pixel, seed)
    return 0.72 * r, 0.72 * g, 0.72 * bl


@kernel
def panel(u: float, v: float, pixel: float, seed: int) -> Rgb:
    """Painted sheet metal in panels of 0.8 x 0.5 m with rivets, scratches and hazard stripes now and then."""
    i = floor(u / 0.8)
    j = floor(v / 0.5)
    a = u - 0.8 * i
    b = v - 0.5 * j
    seam = _joint(u / 0.8, 0.015, pixel / 0.8) * _joint(v / 0.5, 0.024, pixel / 0.5)
    rx = min(a, 0.8 - a) - 0.05
    ry = b - 0.1 * floor(b / 0.1) - 0.05
    rivet = 1.0 - smooth(0.008, 0.014 + pixel, rx * rx * 60.0 + ry * ry * 60.0)
    scratch = gradient_noise(u * 3.0 + v * 1.1, v * 120.0 - u * 50.0, seed) * _detail(0.012, pixel)
    worn = smooth(0.30, 0.42, fractal_noise(u * 2.2, v * 2.2, 5, seed + 1))
    tone = (0.8 + 0.4 * uniform(i, j, seed + 2)) * (1.0 + 0.14 * scratch) * mix(0.25, 1.0, seam) * (1.0 + 0.5 * rivet)
    r = 0.13
    g = 0.20
    bl = 0.22
    kind = uniform(i, j, seed + 3)
    if kind > 0.90:
        s = (a + b) / 0.14
        stripe = clamp(0.5 + (abs(s - floor(s) - 0.5) - 0.25) * 0.14 / max(pixel, 0.004), 0.0, 1.0)
        r, g, bl = mix(0.03, 0.62, stripe), mix(0.03, 0.40, stripe), 0.03
    elif kind > 0.72:
        r, g, bl = 0.36, 0.34, 0.30
    r, g, bl = mix(r, 0.19, worn), mix(g, 0.10, worn), mix(bl, 0.055, worn)
    return r * tone, g * tone, bl * tone


@kernel
def facade(u: float, v: float, pixel: float, seed: int) -> tuple[float, float, float]:
    """An office front: windows of 1.6 x 1.5 m in frames, some with blinds drawn, sky in the glass."""
    column = u / 2.2
    row = v / 3.0
    i = floor(column)
    j = floor(row)
    a = (column - i) * 2.2
    b = (row - j) * 3.0
    soft = max(pixel, 0.01)
    inside = smooth(0.0, soft, min(a - 0.25, 1.95 - a, b - 0.8, 2.6 - b))
    frame = smooth(0.0, soft, abs(a - 1.1) - 0.03) * smooth(0.0, soft, abs(b - 1.9) - 0.03)
    own = uniform(i, j, seed)
    blind = 0.0
    if own > 0.55 and b > 0.8 + 1.7 * uniform(i, j, seed + 1):
        slat = b / 0.06
        blind = 0.30 + 0.30 * smooth(0.2, 0.5, abs(slat - floor(slat) - 0.5) * 2.0) * _detail(0.06, pixel)
    sky = 0.10 + 0.18 * own + 0.20 * clamp(b / 3.0, 0.0, 1.0) + 0.10 * fractal_noise(u * 0.5, v * 0.4, 3, seed + 2)
    r, g, bl = (0.0, 0.0, 0.0) if inside == 1.0 else concrete(u, v, pixel, seed + 4)
    gr, gg, gb = (
        mix(0.55 * sky, blind, 0.8 if blind > 0.0 else 0.0),
        mix(0.75 * sky, blind, 0.8 if blind > 0.0 else 0.0),
        sky,
    )
    return (
        mix(r * 1.2, mix(0.12, gr, frame), inside),
        mix(g * 1.15, mix(0.12, gg, frame), inside),
        mix(bl * 1.05, mix(0.13, gb, frame), inside),
    )


@kernel
def grass(u: float, v: float, pixel: float, seed: int) -> Rgb:
    """A lawn with patches."""
    blade = fractal_noise(u * 26.0, v * 26.0, 4, seed) * _detail(0.05, pixel)
    patch = fractal_noise(u * 0.5, v * 0.5, 4, seed + 1)
    shade = 1.0 + 0.55 * blade + 0.3 * patch
    return (0.075 + 0.03 * patch) * shade, 0.135 * shade, 0.030 * shade
