"""Text for training: the front page of a newspaper on paper, and nothing of the desktop's windows."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.canvas import Canvas, Point, ellipse, flat, gradient
from rtsr_bench.datasets.builtin.lettering import write
from rtsr_bench.datasets.builtin.maths import TAU, cosine, sine, smooth
from rtsr_bench.datasets.builtin.noise import fractal_noise, uniform
from rtsr_bench.datasets.builtin.words import lines

WIDTH = 2560
HEIGHT = 1440
INK = "23201c"


def _halftone(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    """A picture in dots that grow with darkness, on a grid turned by 45 degrees."""
    canvas.box(x, y, width, height, flat("e9e1cf"))
    pitch = 9.0
    row = 0
    v = 0.5 * pitch
    while v < height:
        u = 0.5 * pitch + (0.5 * pitch if row % 2 else 0.0)
        while u < width:
            a, b = u / width, v / height
            sun = smooth(0.10, 0.16, ((a - 0.7) * (a - 0.7) * 2.2 + (b - 0.3) * (b - 0.3)))
            hill = 0.55 + 0.18 * fractal_noise(a * 3.0, 1.0, 4, 1501)
            near = 0.78 + 0.10 * fractal_noise(a * 5.0, 4.0, 4, 1502)
            dark = 0.12 + 0.25 * b * sun
            if b > hill:
                dark = 0.55 + 0.25 * fractal_noise(a * 16.0, b * 16.0, 4, 1503)
            if b > near:
                dark = 0.85 + 0.2 * fractal_noise(a * 30.0, b * 30.0, 3, 1504)
            radius = pitch * 0.62 * max(0.0, min(1.0, dark))
            if radius > 0.4:
                canvas.circle(x + u, y + v, radius, flat(INK))
            u += pitch
        v += 0.5 * pitch
        row += 1


def _diagram(canvas: Canvas, cx: float, cy: float, radius: float) -> None:
    start = 0.0
    for i, (part, colour) in enumerate(
        ((0.34, "3d5a80"), (0.22, "98c1d9"), (0.17, "ee6c4d"), (0.15, "e0a458"), (0.12, "6b705c"))
    ):
        ring: list[Point] = [(cx, cy)]
        ring += [
            (cx + radius * cosine(TAU * (start + part * k / 40)), cy + radius * sine(TAU * (start + part * k / 40)))
            for k in range(41)
        ]
        canvas.polygon(ring, flat(colour))
        canvas.stroke([ring[0], ring[1]], 2.0, flat("f5efe0"))
        a = TAU * (start + 0.5 * part)
        write(
            canvas,
            f"{100 * part:.0f}%",
            cx + 0.66 * radius * cosine(a),
            cy + 0.66 * radius * sine(a) + 6,
            17,
            flat("ffffff"),
            anchor=0.5,
            weight=0.12,
        )
        canvas.box(cx + radius + 24, cy - 62 + 30 * i, 18, 18, flat(colour))
        write(
            canvas, ("edges", "text", "grass", "sky", "the rest")[i], cx + radius + 52, cy - 47 + 30 * i, 17, flat(INK)
        )
        start += part
    canvas.polygon(ellipse(cx, cy, 0.36 * radius, 0.36 * radius), flat("f5efe0"))


# Of each column: where its rule begins and how long it is, where its text begins, its size, how many lines.
_COLUMNS = (
    (0.0, 0.0, 376.0, 15.0, 47),
    (356.0, 1050.0, 872.0, 15.0, 24),
    (860.0, 540.0, 872.0, 15.0, 24),
    (356.0, 1050.0, 376.0, 15.0, 47),
    (230.0, 540.0, 300.0, 13.0, 30),
    (230.0, 540.0, 830.0, 13.0, 29),
)


def _column(canvas: Canvas, c: int) -> None:
    rule, length, top, size, count = _COLUMNS[c]
    x = 60.0 + c * 410.0
    canvas.box(x - 10, rule, 1, length, flat("6a6255", 0.7))
    for i, text in enumerate(lines(count, 42 if size > 14.0 else 49, 1520 + c)):
        if i % 11 != 10:  # a paragraph ends
            write(canvas, text, x, top + i * size * 1.42, size, flat(INK), weight=0.095)


def _crossword(canvas: Canvas) -> None:
    cell = 25.0
    for j in range(15):
        for i in range(15):
            x, y = 2112.0 + i * cell, 262.0 + j * cell
            dark = uniform(min(i, 14 - i), min(j, 14 - j), 1541) < 0.24
            canvas.box(x, y, cell + 1, cell + 1, flat(INK))
            if not dark:
                canvas.box(x + 1, y + 1, cell - 1, cell - 1, flat("fffdf6"))
                if uniform(i, j, 1542) < 0.35:
                    write(canvas, str(1 + int(uniform(i, j, 1543) * 60)), x + 3, y + 9, 8.5, flat(INK), weight=0.1)
    write(canvas, "Crossword", 2112, 248, 24, flat(INK), weight=0.13)
    for i in range(14):
        write(canvas, f"{i + 1}. {lines(1, 44, 1560 + i)[0].lower()}", 2112, 664 + 10.5 * i, 9.5, flat(INK), weight=0.1)


def front_page() -> NDArray[Any]:
    """Headlines, six columns of small print, a halftone picture, a pie chart and a crossword."""
    canvas = Canvas(width=WIDTH, height=HEIGHT, background="f5efe0")
    canvas.box(0, 0, WIDTH, HEIGHT, gradient("fffaf0", "e6dcc6", (700, 300), (2500, 1700), radial=True))
    write(canvas, "THE DAILY SAMPLE", 1280, 132, 128, flat(INK), weight=0.13, tracking=2.0, anchor=0.5)
    for y, high in ((160.0, 5.0), (170.0, 1.5), (204.0, 1.5)):
        canvas.box(60, y, WIDTH - 120, high, flat(INK))
    write(
        canvas, "No. 3840 · Thursday, 21 March · late edition · price 60 frames", 1280, 194, 19, flat(INK), anchor=0.5
    )
    write(canvas, "Sharp edges found at half the size", 60, 284, 70, flat(INK), weight=0.14)
    write(canvas, "Readers report that nothing was lost which had been there before", 60, 330, 32, flat("4a443a"))
    for c in range(6):
        _column(canvas, c)
    write(canvas, "Weather", 1700, 262, 34, flat(INK), weight=0.14)
    _halftone(canvas, 470, 360, 792, 460)
    write(canvas, "The valley at noon. Drawn in dots, as it was seen.", 470, 842, 15, flat("4a443a"))
    _diagram(canvas, 1830, 1010, 110)
    write(canvas, "What a frame is made of", 1706, 870, 24, flat(INK), weight=0.13)
    _crossword(canvas)
    return canvas.finish()
