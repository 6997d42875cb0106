"""Fine periodic patterns: a resolution chart with zone plates, line pairs, stars, edges, ramps and lettering (test)."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.canvas import Canvas, Point, flat, gradient, rgb
from rtsr_bench.datasets.builtin.kernels import kernel
from rtsr_bench.datasets.builtin.lettering import write
from rtsr_bench.datasets.builtin.maths import PI, TAU, angle, clamp, cosine, floor, mix, sine
from rtsr_bench.datasets.builtin.noise import uniform

WIDTH = 3840
HEIGHT = 2160
ZONE, STAR, RINGS, WEAVE, CHECKS, HYPERBOLA = range(6)


@kernel
def _value(kind: int, x: float, y: float, size: float, finest: float) -> float:  # noqa: PLR0911 (one a pattern)
    """Brightness 0..1 of a pattern at (x, y) from its middle; `finest` is its highest frequency in cycles a pixel."""
    r = sqrt(x * x + y * y)
    half = 0.5 * size
    if kind == ZONE:  # frequency grows from 0 in the middle to `finest` at the rim
        return 0.5 + 0.5 * cosine(PI * finest * r * r / half)
    if kind == STAR:  # 72 spokes: finest where they meet, but not finer than `finest`
        spokes = 72.0
        if r * TAU * finest < spokes:
            return 0.5
        return 0.0 if sine(spokes * angle(y, x)) < 0.0 else 1.0
    if kind == RINGS:  # circles whose distance shrinks step by step outwards
        pitch = 1.0 / (finest * (0.12 + 0.88 * clamp(floor(r / half * 6.0) / 5.0, 0.0, 1.0)))
        return 0.0 if r / pitch - floor(r / pitch) < 0.5 else 1.0
    if kind == WEAVE:  # basket weave of round strands
        pitch = 0.5 / finest
        i = floor(x / pitch)
        j = floor(y / pitch)
        over = ((i >> 1) + (j >> 1)) & 1
        across = x / pitch - i if over else y / pitch - j
        along = y / (2.0 * pitch) - floor(y / (2.0 * pitch)) if over else x / (2.0 * pitch) - floor(x / (2.0 * pitch))
        return (0.15 + 0.85 * sine(PI * across)) * (0.45 + 0.55 * sine(PI * along))
    if kind == CHECKS:  # checks that halve from left to right
        level = clamp(floor((x + half) / size * 5.0), 0.0, 4.0)
        pitch = 0.5 / finest
        for _ in range(4 - int(level)):
            pitch *= 1.7
        return 1.0 if (floor(x / pitch) + floor(y / pitch)) & 1 else 0.0
    return 0.5 + 0.5 * cosine(TAU * finest * x * y / half)  # hyperbolas: a slanting frequency


@kernel
def _fill(
    canvas: NDArray[Any],
    left: int,
    top: int,
    size: int,
    kind: int,
    finest: float,
    ink: NDArray[Any],
    disc: int,
) -> None:
    """A square of pattern in two colours, four by four samples a pixel; discs fade at the rim."""
    half = 0.5 * size
    for y in range(size):
        for x in range(size):
            total = 0.0
            for s in range(16):
                total += _value(
                    kind, x + 0.125 + 0.25 * (s & 3) - half, y + 0.125 + 0.25 * (s >> 2) - half, size, finest
                )
            value = total / 16.0
            cx = x + 0.5 - half
            cy = y + 0.5 - half
            cover = clamp(half - sqrt(cx * cx + cy * cy), 0.0, 1.0) if disc else 1.0
            for c in range(3):
                colour = mix(ink[c], ink[3 + c], value)
                canvas[top + y, left + x, c] = mix(canvas[top + y, left + x, c], colour, cover)


def _pattern(
    canvas: Canvas, x: int, y: int, size: int, kind: int, finest: float, inks: tuple[str, str], *, disc: bool = False
) -> None:
    _fill(canvas.pixels, x, y, size, kind, finest, np.array([*rgb(inks[0]), *rgb(inks[1])]), int(disc))


def _line_pairs(canvas: Canvas, x: float, y: float) -> None:
    """Groups of five bars, upright and level, from 16 pixels a pair down to 2.8, with the pair's width beside them."""
    at = y
    for k in range(11):
        pitch = 16.0
        for _ in range(k):
            pitch *= 0.84
        high = 5.0 * pitch
        for i in range(5):
            canvas.box(x + i * pitch, at, 0.5 * pitch, high, flat("16181d"))
            canvas.box(x + 120.0, at + i * pitch, high, 0.5 * pitch, flat("16181d"))
            a = [(x + 240.0 + i * pitch, at), (x + 240.0 + (i + 0.5) * pitch, at)]
            b = [(px + 0.35 * high, at + high) for px, _ in reversed(a)]
            canvas.polygon([*a, *b], flat("16181d"))
        write(canvas, f"{pitch:.1f}", x + 370.0, at + 0.5 * high + 6.0, 17, flat("16181d"))
        at += high + 16.0


def _wedge(canvas: Canvas, x: float, y: float, width: float, height: float, lines: int) -> None:
    """Lines that run together, with the pixels a pair takes beside them."""
    for i in range(lines):
        t0, t1 = (i + 0.25) / lines, (i + 0.75) / lines
        near = width * 0.22
        left = x + 0.5 * (width - near)
        ring = [
            (x + width * t0, y),
            (x + width * t1, y),
            (left + near * t1, y + height),
            (left + near * t0, y + height),
        ]
        canvas.polygon(ring, flat("16181d"))
    for k in range(9):
        level = y + height * k / 8.0
        canvas.box(x - 26, level - 1, 16, 2, flat("16181d"))
        write(
            canvas, f"{width * (1.0 - 0.78 * k / 8.0) / lines:.1f}", x - 34, level + 5, 14, flat("16181d"), anchor=1.0
        )


def _edges(canvas: Canvas, cx: float, cy: float, size: float, turn: float, dark: str, light: str) -> None:
    """A slanted square, for edge profiles."""
    canvas.box(cx - size, cy - size, 2 * size, 2 * size, flat(light))
    c, s = cosine(turn), sine(turn)
    h = 0.62 * size
    corners = [(-h, -h), (h, -h), (h, h), (-h, h)]
    canvas.polygon([(cx + px * c - py * s, cy + px * s + py * c) for px, py in corners], flat(dark))


def _frame(canvas: Canvas) -> None:
    """Arrows to the border, a checkered margin and a grid."""
    for i in range(96):
        if i % 2 == 0:
            canvas.box(i * 40, 0, 40, 20, flat("16181d"))
            canvas.box(i * 40 + 40, HEIGHT - 20, 40, 20, flat("16181d"))
    for j in range(54):
        if j % 2 == 0:
            canvas.box(0, j * 40, 20, 40, flat("16181d"))
            canvas.box(WIDTH - 20, j * 40 + 40, 20, 40, flat("16181d"))
    for k in range(1, 16):
        canvas.box(k * 240 - 1, 20, 2, HEIGHT - 40, flat("8f9296", 0.55))
    for k in range(1, 9):
        canvas.box(20, k * 240 - 1, WIDTH - 40, 2, flat("8f9296", 0.55))
    for px, py, dx, dy in ((960, 20, 0, 1), (2880, 20, 0, 1), (960, 2140, 0, -1), (2880, 2140, 0, -1)):
        corner = (float(px), float(py))
        arrow: list[Point] = [corner, (px - 26 * (dx + dy), py + 52 * dy), (px + 26 * (dx + dy), py + 52 * dy)]
        canvas.polygon(arrow, flat("16181d"))


def _colours(canvas: Canvas) -> None:
    bars = ("f4f4f2", "f2dc1e", "23c4d8", "2fb04a", "c8399f", "d8322f", "2c4fb8", "16181d")
    for i, colour in enumerate(bars):
        canvas.box(1080 + 210 * i, 1760, 210, 110, flat(colour))
    for i in range(24):
        canvas.box(1080 + 70 * i, 1878, 70, 60, flat(f"{i * 11:02x}" * 3))
    canvas.box(1080, 1946, 1680, 34, gradient("000000", "ffffff", (1080, 0), (2760, 0)))
    for k, (first, second) in enumerate((("d8322f", "2fb04a"), ("2c4fb8", "f2dc1e"), ("c8399f", "23c4d8"))):
        canvas.box(1080, 1988 + 20 * k, 1680, 20, gradient(first, second, (1080, 0), (2760, 0)))
        for i in range(84):
            pitch = 20.0 - 0.19 * i
            canvas.box(1080 + 20.0 * i, 1988 + 20 * k, 0.25 * pitch, 20, flat(second, 0.7))


def chart() -> NDArray[Any]:
    """A test chart of our own for 3840 x 2160."""
    canvas = Canvas(width=WIDTH, height=HEIGHT, background="d9dadb")
    _frame(canvas)
    canvas.circle(1920, 960, 800, flat("ecedee"))
    canvas.stroke(
        [(1920 + 800 * cosine(TAU * i / 360), 960 + 800 * sine(TAU * i / 360)) for i in range(361)], 4, flat("16181d")
    )
    grey = ("303338", "e9eaeb")
    _pattern(canvas, 1470, 330, 900, ZONE, 0.27, grey, disc=True)
    _pattern(canvas, 1160, 960, 360, STAR, 0.30, grey, disc=True)
    _pattern(canvas, 2320, 960, 360, STAR, 0.30, ("7a1420", "f2e6d2"), disc=True)
    _pattern(canvas, 1600, 1280, 280, RINGS, 0.20, ("123a5c", "e6f0f4"), disc=True)
    _pattern(canvas, 1960, 1280, 280, WEAVE, 0.045, ("5a3418", "e8c58c"), disc=True)
    for x, y, kind, inks in (
        (100, 100, HYPERBOLA, ("24415e", "e8eef2")), (3280, 100, ZONE, ("4a2a5c", "efe6d0")),
        (100, 1600, ZONE, ("23553a", "f0ecd8")), (3280, 1600, HYPERBOLA, ("6a2f1a", "f2ead8")),
    ):  # fmt: skip
        _pattern(canvas, x, y, 460, kind, 0.24, inks)
        canvas.stroke([(x, y), (x + 460, y), (x + 460, y + 460), (x, y + 460), (x, y)], 3, flat("16181d"))
    canvas.box(630, 90, 440, 640, flat("f4f4f2"))
    _line_pairs(canvas, 656, 112)
    canvas.box(2770, 90, 440, 640, flat("f4f4f2"))
    _line_pairs(canvas, 2796, 112)
    canvas.box(100, 620, 460, 420, flat("f4f4f2"))
    _wedge(canvas, 190, 640, 340, 380, 22)
    canvas.box(3280, 620, 460, 420, flat("f4f4f2"))
    _wedge(canvas, 3370, 640, 340, 380, 22)
    _pattern(canvas, 100, 1100, 440, CHECKS, 0.125, ("1c1f24", "f2f3f4"))
    _pattern(canvas, 3300, 1100, 440, WEAVE, 0.06, ("1d2b44", "b9c8d8"))
    for k, (dark, light) in enumerate((("1c1f24", "f2f3f4"), ("6b6f76", "b9bcc0"), ("a3282e", "e9ded0"))):
        _edges(canvas, 740 + 10 * k, 1050 + 250 * k, 110, 0.087 + 0.11 * k, dark, light)
        _edges(canvas, 3100 - 10 * k, 1050 + 250 * k, 110, -0.087 - 0.11 * k, dark, light)
    _colours(canvas)
    write(canvas, "RTSR-BENCH  2160", 1920, 128, 60, flat("16181d"), weight=0.12, anchor=0.5, tracking=1.5)
    for size, level in ((26.0, 1612.0), (21.0, 1642.0), (17.0, 1668.0), (14.0, 1690.0), (12.0, 1708.0), (10.0, 1724.0)):
        write(canvas, "Halos hide where lines are thin 0123456789", 1920, level, size, flat("16181d"), anchor=0.5)
    for i in range(60):
        left = 600.0 + 8.0 * i
        high = 20.0 + 60.0 * uniform(i, 1, 1601)
        canvas.box(left, 2080 - high, 4.0 - 0.04 * i, high, flat("16181d"))
        canvas.box(WIDTH - left, 2080 - high, 4.0 - 0.04 * i, high, flat("16181d"))
    return canvas.finish()
