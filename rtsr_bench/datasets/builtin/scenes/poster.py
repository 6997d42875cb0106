"""Vector art: a travel poster with balloons over layered hills."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.canvas import Canvas, Paint, Point, flat, gradient, rounded
from rtsr_bench.datasets.builtin.lettering import write
from rtsr_bench.datasets.builtin.maths import PI, TAU, cosine, sine, smooth
from rtsr_bench.datasets.builtin.noise import fractal_noise, uniform

WIDTH = 3840
HEIGHT = 2160

# Ridge line: height of the base line, swing in pixels, features across the picture, octaves, colours at top and foot.
_RIDGES = (
    (1010.0, 260.0, 3.1, 6, "8f86b8", "c9a7c4"),
    (1150.0, 210.0, 4.3, 5, "6f6fa8", "b193bd"),
    (1300.0, 170.0, 3.7, 5, "51609a", "8f83b4"),
    (1440.0, 150.0, 5.2, 4, "3b5286", "6a76a6"),
    (1610.0, 120.0, 4.1, 4, "2b4470", "4d6491"),
)


def _sky(canvas: Canvas) -> None:
    canvas.box(0, 0, WIDTH, 700, gradient("27356f", "c0628f", (0, 0), (0, 700)))
    canvas.box(0, 700, WIDTH, 700, gradient("c0628f", "ffc98a", (0, 700), (0, 1180)))
    cx, cy = 2520.0, 930.0
    canvas.circle(cx, cy, 900.0, gradient("ffd9a0", "ffb37a", (cx, cy), (cx + 900, cy), radial=True, opacity=0.22))
    canvas.circle(cx, cy, 560.0, gradient("ffe6b4", "ffc98a", (cx, cy), (cx + 560, cy), radial=True, opacity=0.35))
    for i in range(72):
        wide = TAU / 72 * 0.42
        a = TAU * i / 72
        inner, outer = 300.0, 780.0 if i % 2 else 560.0
        ray = [
            (cx + inner * cosine(a), cy + inner * sine(a)),
            (cx + outer * cosine(a - 0.5 * wide), cy + outer * sine(a - 0.5 * wide)),
            (cx + outer * cosine(a + 0.5 * wide), cy + outer * sine(a + 0.5 * wide)),
        ]
        canvas.polygon(ray, flat("fff0c4", 0.5))
    canvas.circle(cx, cy, 262.0, gradient("fff6d8", "ffb56b", (cx - 60, cy - 90), (cx + 240, cy + 200), radial=True))
    for i in range(160):
        x = uniform(i, 1, 11) * WIDTH
        y = uniform(i, 2, 11) * 620.0
        canvas.circle(x, y, 1.2 + 2.6 * uniform(i, 3, 11), flat("fff4df", 0.9 * (1.0 - y / 640.0)))


def _cloud(canvas: Canvas, x: float, y: float, scale: float, seed: int) -> None:
    """Stacked bars with round ends, as on old posters."""
    for row in range(5):
        left = x + scale * (uniform(row, 0, seed) * 120.0 + 26.0 * abs(row - 3))
        length = scale * (300.0 + 260.0 * uniform(row, 1, seed) - 50.0 * abs(row - 3))
        high = scale * 34.0
        paint = gradient("fff1e0", "f2a9a0", (left, y), (left + length, y), opacity=0.82)
        canvas.box(left, y + row * scale * 30.0, length, high, paint, radius=0.5 * high)


def _ridge(base: float, swing: float, features: float, octaves: int, seed: int) -> list[Point]:
    line: list[Point] = []
    for i in range(-4, WIDTH // 8 + 5):
        x = i * 8.0
        y = base - swing * fractal_noise(x / WIDTH * features + 0.37, 0.5, octaves, seed)
        line.append((x, y))
    return line


def _pine(canvas: Canvas, x: float, y: float, size: float, colour: str, lit: str) -> None:
    canvas.box(x - 0.04 * size, y - 0.2 * size, 0.08 * size, 0.22 * size, flat("2a1f2b"))
    for i in range(4):
        top = y - size * (1.0 - 0.2 * i)
        foot = top + size * 0.36
        half = size * (0.12 + 0.065 * i)
        canvas.polygon([(x, top), (x + half, foot), (x - half, foot)], flat(colour))
        canvas.polygon([(x, top), (x + half, foot), (x + 0.25 * half, foot - 0.05 * size)], flat(lit))


def _balloon(canvas: Canvas, cx: float, cy: float, r: float, colours: tuple[str, ...], stripes: int) -> None:
    """Gores are slices between meridians; the lower third narrows to the basket."""

    def rim(longitude: float, v: float) -> Point:
        # v from 0 (crown) to 1 (mouth): a circle, pulled down to a cone below the equator.
        polar = PI * 0.86 * v
        radius = r * sine(polar)
        y = cy - r * cosine(polar)
        if v > 0.55:
            y += r * 0.34 * smooth(0.55, 1.0, v)
        return cx + radius * sine(longitude), y

    steps = 40
    for i in range(stripes):
        a = -PI / 2.0 + PI * i / stripes
        b = -PI / 2.0 + PI * (i + 1) / stripes
        down = [rim(a, k / steps) for k in range(steps + 1)]
        up = [rim(b, k / steps) for k in range(steps, -1, -1)]
        canvas.polygon(down + up, flat(colours[i % len(colours)]))
    for i in range(1, stripes):
        a = -PI / 2.0 + PI * i / stripes
        canvas.stroke([rim(a, k / steps) for k in range(steps + 1)], max(1.0, 0.008 * r), flat("40203a", 0.55))
    outline = [rim(-PI / 2.0, k / steps) for k in range(steps + 1)]
    outline += [rim(PI / 2.0, k / steps) for k in range(steps, -1, -1)]
    canvas.polygon(
        outline,
        gradient("ffffff", "2a1040", (cx + 0.5 * r, cy - 0.6 * r), (cx - 1.6 * r, cy + r), radial=True, opacity=0.30),
    )
    band: list[Point] = []
    for k in range(25):
        x, _ = rim(-PI / 2.0 + PI * k / 24, 0.5)
        band.append((x, cy - 0.02 * r + 0.10 * r * sine(PI * k / 24) + 0.04 * r * (1 if k % 2 else -1)))
    canvas.stroke(band, 0.035 * r, flat("fff3dc"))
    mouth_y = rim(0.0, 1.0)[1]
    half = abs(rim(PI / 2.0, 1.0)[0] - cx)
    basket_y = mouth_y + 0.32 * r
    for k in range(5):
        t = k / 4.0
        canvas.stroke(
            [(cx - half + 2 * half * t, mouth_y), (cx - 0.13 * r + 0.26 * r * t, basket_y)],
            max(0.9, 0.009 * r),
            flat("2a1a20"),
        )
    canvas.box(
        cx - 0.15 * r,
        basket_y,
        0.30 * r,
        0.22 * r,
        gradient("b9783f", "6d3f1f", (cx - 0.15 * r, 0), (cx + 0.15 * r, 0)),
        radius=0.03 * r,
    )
    for k in range(1, 5):
        y = basket_y + 0.22 * r * k / 5
        canvas.stroke([(cx - 0.14 * r, y), (cx + 0.14 * r, y)], max(0.8, 0.008 * r), flat("4a2a14", 0.8))


def _lake(canvas: Canvas, top: float) -> None:
    canvas.box(0, top, WIDTH, HEIGHT - top, gradient("e79a8c", "243e66", (0, top), (0, top + 330)))
    for i in range(300):
        y = top + 6.0 + (HEIGHT - top) * uniform(i, 0, 40) * uniform(i, 5, 40)
        depth = (y - top) / (HEIGHT - top)
        length = 40.0 + 460.0 * depth * uniform(i, 1, 40)
        x = 2520.0 + (uniform(i, 2, 40) - 0.5) * (500.0 + 3600.0 * uniform(i, 3, 40))
        high = 2.0 + 7.0 * depth
        light = max(0.0, 1.0 - abs(x - 2520.0) / 1300.0)
        paint = flat("ffe2b0" if uniform(i, 4, 40) < light else "31507f", 0.30 + 0.45 * light)
        canvas.box(x - 0.5 * length, y, length, high, paint, radius=0.5 * high)


def _bird(canvas: Canvas, x: float, y: float, size: float) -> None:
    wing = rounded(
        [
            (x - size, y - 0.25 * size),
            (x - 0.45 * size, y - 0.5 * size),
            (x, y),
            (x + 0.45 * size, y - 0.55 * size),
            (x + size, y - 0.2 * size),
        ],
        closed=False,
    )
    canvas.stroke(wing, 0.09 * size, flat("2a2440"))


def _frame(canvas: Canvas, ink: Paint) -> None:
    for inset, wide in ((44.0, 10.0), (66.0, 2.5), (76.0, 1.2)):
        x, y = WIDTH - inset, HEIGHT - inset
        canvas.stroke([(inset, inset), (x, inset), (x, y), (inset, y), (inset, inset)], wide, ink)


def balloons() -> NDArray[Any]:
    """Evening poster: sun, clouds, five ridges, pines, hot-air balloons, a lake, lettering and a frame."""
    canvas = Canvas(width=WIDTH, height=HEIGHT, background="27356f")
    _sky(canvas)
    for i, (x, y, scale) in enumerate(
        ((260, 560, 1.5), (2180, 260, 1.1), (3050, 420, 1.35), (3180, 880, 0.9), (1560, 760, 0.8))
    ):
        _cloud(canvas, x, y, scale, 70 + i)
    for i, (base, swing, features, octaves, high, low) in enumerate(_RIDGES):
        line = _ridge(base, swing, features, octaves, 200 + 17 * i)
        paint = gradient(high, low, (0, base - swing), (0, base + 330))
        canvas.polygon([*line, (WIDTH + 40.0, HEIGHT + 10.0), (-40.0, HEIGHT + 10.0)], paint)
        canvas.stroke(line, 1.6, flat("ffe3c8", 0.35))
        if i == 3:
            for k in range(240):
                at = line[int(uniform(k, 0, 31) * len(line))]
                _pine(canvas, at[0], at[1] + 6.0, 26.0 + 26.0 * uniform(k, 1, 31), "2f4a7c", "4a6796")
        if i == 4:
            _lake(canvas, 1700.0)
    front = _ridge(1950.0, 150.0, 2.3, 4, 285)
    canvas.polygon(
        [*front, (WIDTH + 40.0, HEIGHT + 10.0), (-40.0, HEIGHT + 10.0)],
        gradient("1d3a56", "0c1c30", (0, 1700), (0, 2160)),
    )
    order = sorted(range(110), key=lambda k: uniform(k, 1, 33))
    for k in order:
        at = front[int(uniform(k, 0, 33) * len(front))]
        near = uniform(k, 1, 33)
        _pine(canvas, at[0], at[1] + 20.0 + 200.0 * near, 90.0 + 190.0 * near, "12293f", "234a5c")
    _balloon(canvas, 1010, 690, 330, ("e4483f", "f7e3c0", "e4483f", "2d6f8e"), 14)
    _balloon(canvas, 1830, 520, 170, ("f2b134", "ed553b", "f6d55c"), 12)
    _balloon(canvas, 3340, 590, 210, ("3caea3", "f6f1e1", "20639b"), 13)
    _balloon(canvas, 2210, 980, 74, ("c94c6e", "f4d9c6"), 10)
    _balloon(canvas, 450, 1010, 92, ("7a5ea8", "f0d080"), 11)
    _balloon(canvas, 2880, 1010, 46, ("f2b134", "d9443c"), 9)
    for i in range(17):
        _bird(
            canvas,
            1500.0 + 620.0 * uniform(i, 0, 90),
            900.0 + 190.0 * uniform(i, 1, 90),
            12.0 + 22.0 * uniform(i, 2, 90),
        )
    write(canvas, "SKYLINE FESTIVAL", 160, 240, 118, flat("fff0d8"), weight=0.11, tracking=1.4)
    write(
        canvas,
        "Sixty frames of light · from dawn to dusk over the lake",
        166,
        312,
        40,
        flat("ffd9b0"),
        weight=0.08,
        tracking=0.5,
    )
    _frame(canvas, flat("fff0d8"))
    return canvas.finish()
